"""What the gateway of an example organization answers: enough for its overview."""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

__all__ = ["NOW", "answer_to"]

NOW = datetime(2026, 11, 24, 14, 5, 9, tzinfo=UTC)

Answer = dict[str, Any]

_HOUR = timedelta(hours=1)
_TYPES = {1: ("Research", 0.5), 2: ("Support", 0.33), 3: ("Triage", 0.17)}
_STATUSES = ("running",) * 38 + ("starting",) + ("error",) + ("stopped",) * 12
_EXPLANATION = {
    "code": "INVALID_API_KEY",
    "provider_error": "invalid_api_key",
    "message": "The provider does not know the API key.",
    "cause": "The key was revoked.",
    "fix": "Replace the key of openai-prod.",
    "retryable": False,
}


def answer_to(path: str, query: Mapping[str, str]) -> Answer:
    """Answer `GET` of *path*; what the overview does not need is an empty list."""
    answers: dict[str, Callable[[], Answer]] = {
        "/api/sessions/current": _session,
        "/api/agents": lambda: _page(_agents()),
        "/api/agent-types": lambda: _page(_agent_types()),
        "/api/providers": lambda: _page([_provider()]),
        "/api/alerts": lambda: _page(_alerts()),
        "/api/calls": lambda: _page(_failed_calls()),
        "/api/stats/usage/summary": lambda: _summary(is_earlier="to" in query),
        "/api/stats/usage/timeline": _timeline,
        "/api/stats/usage/by-agent-type": lambda: _covering(_usage_of_types()),
    }
    return answers.get(path, lambda: _page([]))()


def _page(data: list[Answer]) -> Answer:
    return {"data": data, "next_cursor": None}


def _covering(data: list[Answer], **more: Any) -> Answer:
    return {**_covers(), "data": data, "next_cursor": None, **more}


def _covers() -> Answer:
    return {"from": _told(NOW - 24 * _HOUR), "to": _told(NOW), "as_of": _told(NOW)}


def _told(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _id(number: int) -> str:
    return str(UUID(int=number))


def _session() -> Answer:
    permissions = ["agents:read", "master-key:read", "self"]
    organization = {"id": _id(1), "name": "Example"}
    user = {"id": _id(2), "email": "ana@example.org", "name": "Ana", "role": "owner"}
    who = {"kind": "user", "id": _id(2), "role": "owner", "permissions": permissions}
    return {"me": {**who, "organization": organization, "user": user}}


def _agents() -> list[Answer]:
    return [_agent(number, status) for number, status in enumerate(_STATUSES, 1)]


def _agent(number: int, status: str) -> Answer:
    return {
        "id": _id(100 + number),
        "name": f"researcher-{number}",
        "agent_type_id": _id(1),
        "status": status,
        "status_reason": _EXPLANATION if status == "error" else None,
        "desired_state": "stopped" if status == "stopped" else "running",
        "updated_at": _told(NOW - timedelta(minutes=13)),
    }


def _agent_types() -> list[Answer]:
    return [{"id": _id(key), "name": name} for key, (name, _) in _TYPES.items()]


def _provider() -> Answer:
    credential = {"version": 3, "hint": "…7391", "expires_at": None, "missing": []}
    facts = {"status": "ready", "enabled": True, "credential": credential}
    return {"id": _id(50), "name": "openai-prod", "type": "openai", **facts}


def _alerts() -> list[Answer]:
    opened = _told(NOW - timedelta(minutes=25))
    subject = {"kind": "agent", "key": _id(140)}
    alert = {"id": _id(60), "rule": "error_rate", "subject": subject, "status": "open"}
    return [{**alert, "opened_at": opened, "silenced_until": None}]


def _failed_calls() -> list[Answer]:
    codes = ("INVALID_API_KEY", "RATE_LIMITED", "TIMEOUT")
    return [
        {
            "call_id": _id(200 + number),
            "agent_id": _id(140 if number == 0 else 100 + number),
            "explanation": {**_EXPLANATION, "code": code},
            "started_at": _told(NOW - timedelta(minutes=4 + 17 * number)),
        }
        for number, code in enumerate(codes)
    ]


def _figures(calls: int, errors: int) -> Answer:
    return {
        "calls": calls,
        "errors": errors,
        "error_rate": errors / calls,
        "cancelled_calls": 0,
        "interrupted_calls": 0,
        "total_tokens": calls * 1_480,
        "input_tokens": calls * 1_110,
        "cached_input_tokens": calls * 220,
        "output_tokens": calls * 370,
        "p50_response_time_ms": 1_310.0,
        "p95_response_time_ms": 4_120.0,
        "cost_usd": calls * 0.01476,
        "unpriced_calls": 0,
        "messages_processed": calls // 2,
    }


def _summary(*, is_earlier: bool) -> Answer:
    buckets = _buckets()
    calls = sum(each["calls"] for each in buckets)
    errors = sum(each["errors"] for each in buckets)
    share = 0.92 if is_earlier else 1
    return {**_covers(), **_figures(round(calls * share), round(errors * share))}


def _timeline() -> Answer:
    return _covering(_buckets(), interval="hour", tz="UTC", resumes_at=None)


def _buckets() -> list[Answer]:
    """Make a day that is busy by daylight, and fails more in its last hour."""
    first = NOW.replace(minute=0, second=0) - 23 * _HOUR
    return [_bucket(first + hour * _HOUR) for hour in range(24)]


def _bucket(starts_at: datetime) -> Answer:
    busy = max(0.0, math.sin((starts_at.hour - 5) / 16 * math.pi))
    calls = round(90 + 820 * busy + 60 * math.sin(starts_at.hour * 2.3))
    is_last = starts_at.hour == NOW.hour
    calls = calls // 8 if is_last else calls
    errors = 14 if is_last else calls // 95
    times = {"starts_at": _told(starts_at), "ends_at": _told(starts_at + _HOUR)}
    return {**_figures(calls, errors), **times}


def _usage_of_types() -> list[Answer]:
    calls = sum(each["calls"] for each in _buckets())
    return [
        {"agent_type_id": _id(key), **_figures(round(calls * share), 0)}
        for key, (_, share) in _TYPES.items()
    ]
