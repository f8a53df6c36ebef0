"""`GET /v1/models` as OpenAI words it: what the agent may use."""

import json

from agent_runner.proxy.wire_format import Reply
from shared.contracts.agent_types import AgentType

__all__ = ["models"]


def models(agent_type: AgentType) -> Reply:
    created = int(agent_type.created_at.timestamp())
    data = [
        {"id": model, "object": "model", "created": created, "owned_by": "ag2trust"}
        for model in agent_type.allowed_models
    ]
    body = json.dumps({"object": "list", "data": data}).encode()
    return Reply(200, [(b"content-type", b"application/json")], body)
