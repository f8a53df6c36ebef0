"""How a call is written: a `CallRecord` as JSON, part by part as it becomes known.

Every call is written twice while its client waits. All calls of an agent to one model
begin alike, so that part is written once for all of them, and no record is made as a
model of its own: it would cost as much as everything else that is done for a call.
"""

from collections.abc import Mapping, Sequence
from json.encoder import encode_basestring_ascii as quoted
from typing import NamedTuple
from uuid import UUID

from pydantic_core import to_json

from agent_runner.used import Used
from shared.contracts.base import Explanation
from shared.contracts.credentials import ProviderType
from shared.contracts.metrics import CallStatus, UsageSource
from shared.ids import WrittenId

__all__ = [
    "Common",
    "Entry",
    "Own",
    "attempt",
    "ended",
    "entry_of",
    "lasting_part",
    "opened",
]


_INTERRUPTED = CallStatus.INTERRUPTED.value


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


class Entry(NamedTuple):
    """How such calls begin in the book, and how their attempts end."""

    common: Common
    beginning: bytes
    attempts_end: bytes


class Own(NamedTuple):
    """What a call has for itself, whoever answers it in the end.

    *started_at* is as it is written.
    """

    call_id: WrittenId
    started_at: str
    message_id: UUID | None


def entry_of(common: Common, labels: Mapping[str, str]) -> Entry:
    """Write what calls have in common, once for all of them."""
    fields = {"kind": "call", **common._asdict(), "labels": labels}
    of_attempts = {"provider_id": common.provider_id, "model": common.model}
    return Entry(
        common,
        to_json(fields, exclude_none=True)[:-1],
        b"," + to_json(of_attempts)[1:],
    )


def lasting_part(entry: Entry, own: Own) -> bytes:
    """Write what will not change until the call has ended."""
    of_message = f',"message_id":"{own.message_id}"' if own.message_id else ""
    of_call = (
        f',"call_id":"{own.call_id.text}","started_at":"{own.started_at}"{of_message}'
    )
    return entry.beginning + of_call.encode()


def opened(lasting: bytes, request_id: str) -> bytes:
    """Write a call as it is opened: as one that nobody has settled."""
    of_call = f',"request_id":{quoted(request_id)},"status":"{_INTERRUPTED}"}}'
    return lasting + of_call.encode()


def ended(
    lasting: bytes,
    *,
    request_id: str,
    status: CallStatus,
    http_status: int | None,
    duration_ms: int,
    time_to_first_token_ms: int | None,
    usage: Used,
    usage_source: UsageSource,
    explanation: Explanation | None,
    attempts: Sequence[bytes],
) -> bytes:
    """Write a call as it has ended."""
    return b"".join(
        (
            lasting,
            f',"request_id":{quoted(request_id)},"status":"{status}"'
            f',"duration_ms":{duration_ms},"usage_source":"{usage_source}"'
            f"{_number('http_status', http_status)}"
            f"{_number('time_to_first_token_ms', time_to_first_token_ms)}"
            ',"usage":'.encode(),
            to_json(usage.told()),
            b',"explanation":' + to_json(explanation, exclude_none=True)
            if explanation
            else b"",
            b',"attempts":[',
            b",".join(attempts),
            b"]}",
        )
    )


def attempt(
    attempt_id: str,
    entry: Entry,
    *,
    began: str,
    duration_ms: int,
    http_status: int | None,
    error_code: str | None,
) -> bytes:
    """Write one attempt of a call, an `AttemptRecord`."""
    failed = f',"error_code":{quoted(error_code)}' if error_code else ""
    return (
        f'{{"attempt_id":"{attempt_id}","started_at":"{began}"'
        f',"duration_ms":{duration_ms}{_number("http_status", http_status)}{failed}'
    ).encode() + entry.attempts_end


def _number(name: str, number: int | None) -> str:
    return "" if number is None else f',"{name}":{number}'
