"""Public events written for NATS, as nats-py would write them, but many at once.

nats-py checks and writes each header of each event. All events of an organization on a
topic have them alike, but for the id.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from .cloud_events import attributes
from .contracts.base import Event, Topic

__all__ = ["headers_of", "written"]

_ID = "{id}"
_ID_LENGTH = len(str(UUID(int=0)))


def headers_of(
    topic: Topic[Any], event_id: UUID | str, org_id: UUID | str
) -> dict[str, str]:
    """Make it a CloudEvent; the stream drops repeats by the id under its own name."""
    return {"Nats-Msg-Id": str(event_id), **attributes(topic, event_id, org_id)}


def written(
    topic: Topic[Any],
    events: Iterable[Event],
    payloads: Iterable[bytes],
    replies: Iterable[str],
) -> Iterator[bytes]:
    """Write each as a message with headers, piece by piece (HPUB; NATS ADR-4)."""
    heads: dict[UUID, _Head] = {}
    for event, payload, reply in zip(events, payloads, replies, strict=True):
        head = heads.get(event.org_id)
        if head is None:
            head = heads[event.org_id] = _Head.of(topic, event.org_id)
        subject, around_ids, length = head
        yield (
            f"HPUB {subject} {reply} {length} {length + len(payload)}\r\n"
            f"{str(event.id).join(around_ids)}"
        ).encode()
        yield payload
        yield b"\r\n"


class _Head(NamedTuple):
    """What is before the payload: *around_ids* are the headers without the ids."""

    subject: str
    around_ids: Sequence[str]
    length: int

    @classmethod
    def of(cls, topic: Topic[Any], org_id: UUID) -> "_Head":
        headers = headers_of(topic, _ID, org_id)
        lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
        around_ids = "".join(("NATS/1.0\r\n", *lines, "\r\n")).split(_ID)
        ids = len(around_ids) - 1
        length = sum(map(len, around_ids)) + ids * _ID_LENGTH
        return cls(topic.subject(org_id), around_ids, length)
