"""Objects as the API answers them."""

from typing import Any
from uuid import UUID

__all__ = [
    "AGENT_ID",
    "AGENT_JSON",
    "MESSAGE_ID",
    "MESSAGE_JSON",
    "PROVIDER_JSON",
    "page_of",
]

AGENT_ID = UUID("0199aaaa-0000-7000-8000-000000000001")
MESSAGE_ID = UUID("0199aaaa-0000-7000-8000-000000000002")

_AT = "2026-11-29T00:00:00Z"
_DATES = {"created_at": _AT, "updated_at": _AT}

AGENT_JSON: dict[str, Any] = {
    "id": str(AGENT_ID),
    "name": "ada",
    "agent_type_id": str(AGENT_ID),
    "agent_type_version": 1,
    "desired_state": "running",
    "incarnation": 1,
    "status": "running",
    "status_reason": None,
    "restart_required": False,
    "runner": "runner-1",
    "version": 3,
    "started_at": None,
    "is_external": False,
    "base_urls": None,
    **_DATES,
}

PROVIDER_JSON: dict[str, Any] = {
    "id": str(AGENT_ID),
    "name": "one",
    "type": "openai",
    "use_case": None,
    "labels": {},
    "is_retiring": False,
    "base_url": "https://api.openai.com/v1",
    "aws_region": None,
    "aws_role_arn": None,
    "aws_external_id": None,
    "limits": {
        "requests_per_minute": None,
        "tokens_per_minute": None,
        "concurrent": None,
    },
    "enabled": True,
    "status": "ready",
    "credential": {
        "version": 1,
        "hint": "…cret",
        "expires_at": None,
        "missing": [],
        "fields": ["api_key"],
    },
    "version": 1,
    **_DATES,
}

MESSAGE_JSON: dict[str, Any] = {
    "message_id": str(MESSAGE_ID),
    "thread_id": str(AGENT_ID),
    "agent_id": str(AGENT_ID),
    "status": "completed",
    "content": "Good day.",
    "usage": {
        "calls": 1,
        "input_tokens": 7,
        "output_tokens": 3,
        "total_tokens": 10,
    },
    "duration_ms": 12,
    "explanation": None,
    "created_at": _AT,
    "finished_at": _AT,
    "attempts": 1,
}


def page_of(data: list[Any], next_cursor: str | None = None) -> dict[str, Any]:
    return {"data": data, "next_cursor": next_cursor}
