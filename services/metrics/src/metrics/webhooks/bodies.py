"""What a receiver reads: an event in the shape that Standard Webhooks recommend. Pure.

`{"type": "alert.opened", "timestamp": "…", "data": {…}}`: *data* is the event as it is
described in docs/api/asyncapi.json, and never holds the content of a message.
"""

import json
import re
from datetime import datetime
from typing import Any
from uuid import UUID

from metrics.repositories.deliveries import Happened
from shared.event_feed import TakenEvent
from shared.ids import new_id

__all__ = ["TEST", "event_of_a_test", "happened"]

TEST = "webhook.test"

_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


def happened(event: TakenEvent) -> Happened:
    """Raise `ValueError` for what is no event of ours."""
    if not _ID.fullmatch(event.id):
        raise ValueError("its id is none of ours")
    return Happened(
        org_id=UUID(event.organization),
        event_id=event.id,
        event=event.name,
        kept_at=event.kept_at,
        body=_told(event),
    )


def event_of_a_test(org_id: UUID, *, at: datetime) -> Happened:
    """Make an event that nothing but a test of a webhook is."""
    return Happened(
        org_id=org_id,
        event_id=str(new_id()),
        event=TEST,
        kept_at=at,
        body=_body(TEST, at, {"message": "This webhook works."}),
    )


def _told(event: TakenEvent) -> str:
    try:
        body = _body(event.name, event.kept_at, json.loads(event.payload))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    body.encode()  # half a surrogate pair is JSON, but no text that a database takes
    return body


def _body(name: str, at: datetime, data: Any) -> str:
    timestamp = at.isoformat().replace("+00:00", "Z")
    told = {"type": name, "timestamp": timestamp, "data": data}
    return json.dumps(told, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
