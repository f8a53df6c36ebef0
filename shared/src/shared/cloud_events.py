"""Public events as CloudEvents, in the binary mode of the NATS binding.

CloudEvents 1.0.2, and its NATS protocol binding, section 3.1: the payload is the event
in JSON, as it always was; attributes are headers. Nobody who reads the payload alone
has to know of them.
"""

from typing import Any
from uuid import UUID

from .contracts.base import Topic

__all__ = ["SPEC_VERSION", "attributes", "source", "type_of"]

SPEC_VERSION = "1.0"


def attributes(
    topic: Topic[Any], event_id: UUID | str, org_id: UUID | str
) -> dict[str, str]:
    """Return the headers that make an event one; id and source together are unique."""
    return {
        "ce-specversion": SPEC_VERSION,
        "ce-id": str(event_id),
        "ce-source": source(org_id),
        "ce-type": type_of(topic),
        "content-type": "application/json",
    }


def source(org_id: UUID | str) -> str:
    return f"/organizations/{org_id}"


def type_of(topic: Topic[Any]) -> str:
    return f"ag2trust.v1.{topic.noun}.{topic.participle}"
