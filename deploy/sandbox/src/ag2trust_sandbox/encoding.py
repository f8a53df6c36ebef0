"""JSON, alone or in a server-sent event, as all three providers write it."""

import json
from collections.abc import Mapping
from typing import Final

from pydantic import JsonValue

__all__ = ["MALFORMED_EVENT", "encode_event", "encode_json", "encode_named_event"]

MALFORMED_EVENT: Final = b'data: {"cut \n\n'
"""A server-sent event whose data is no JSON."""


def encode_json(body: Mapping[str, JsonValue]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def encode_event(body: Mapping[str, JsonValue]) -> bytes:
    """One server-sent event: data only."""
    return b"data: %b\n\n" % encode_json(body)


def encode_named_event(body: Mapping[str, JsonValue]) -> bytes:
    """One server-sent event under the name it has in its data as `type`."""
    return b"event: %b\n%b" % (str(body["type"]).encode(), encode_event(body))
