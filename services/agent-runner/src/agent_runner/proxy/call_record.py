"""How a call is written: a `CallRecord` as JSON, part by part as it becomes known.

Every call is written twice while its client waits. All calls of an agent to one model
begin alike, so that part is written once for all of them, and no record is made as a
model of its own: it would cost as much as everything else that is done for a call.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from pydantic_core import to_json

from shared.contracts.credentials import ProviderType
from shared.contracts.metrics import CallStatus

__all__ = ["Common", "Own", "ended", "lasting_part", "opened"]

_MOST_COMMON_PARTS = 4096


class Common(NamedTuple):
    """What all calls of one agent to one model of a provider have in common."""

    org_id: UUID
    agent_id: UUID
    agent_type_id: UUID
    use_case: str | None
    provider_id: UUID
    provider_type: ProviderType
    model: str
    endpoint: str
    is_streamed: bool
    runner: str


class Own(NamedTuple):
    """What a call has for itself, whoever answers it in the end."""

    call_id: UUID
    started_at: datetime
    message_id: UUID | None


def lasting_part(common: Common, own: Own, labels: Mapping[str, str]) -> bytes:
    """Write what will not change until the call has ended."""
    return _joined(_common_part(common), {**own._asdict(), "labels": labels})


def opened(lasting: bytes, request_id: str) -> bytes:
    """Write a call as it is opened: as one that nobody has settled."""
    return _joined(
        lasting, {"request_id": request_id, "status": CallStatus.INTERRUPTED}
    )


def ended(lasting: bytes, told: Mapping[str, Any]) -> bytes:
    """Write a call as it has ended; *told* are the fields that were not known."""
    return _joined(lasting, told)


@lru_cache(_MOST_COMMON_PARTS)
def _common_part(common: Common) -> bytes:
    return to_json({"kind": "call", **common._asdict()}, exclude_none=True)


def _joined(one: bytes, more: Mapping[str, Any]) -> bytes:
    """Make one JSON object of two."""
    return one[:-1] + b"," + to_json(more, exclude_none=True)[1:]
