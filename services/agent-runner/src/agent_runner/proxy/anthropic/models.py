"""`GET /v1/models` as Anthropic words it: what the agent may use."""

import json

from agent_runner.proxy.wire_format import Reply
from shared.contracts.agent_types import AgentType

__all__ = ["models"]


def models(agent_type: AgentType) -> Reply:
    allowed = agent_type.allowed_models
    created_at = agent_type.created_at.isoformat()
    data = [
        {
            "type": "model",
            "id": model,
            "display_name": model,
            "created_at": created_at,
            "lifecycle": "active",
        }
        for model in allowed
    ]
    page = {
        "data": data,
        "has_more": False,
        "first_id": allowed[0],
        "last_id": allowed[-1],
    }
    return Reply(
        200, [(b"content-type", b"application/json")], json.dumps(page).encode()
    )
