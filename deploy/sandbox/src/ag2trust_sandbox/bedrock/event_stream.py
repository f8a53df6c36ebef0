"""AWS's binary event stream: how a frame is encoded.

Format: Smithy documentation, "Amazon Event Stream Specification".
"""

import struct
import zlib
from collections.abc import Mapping
from typing import Final

from pydantic import JsonValue

from ag2trust_sandbox.encoding import encode_json

__all__ = ["MALFORMED_FRAME", "encode_event", "encode_exception", "encode_frame"]

_PRELUDE_BYTES: Final = 12
_CHECKSUM_BYTES: Final = 4
_STRING: Final = 7
"""The type of a header whose value is a text."""


def encode_event(kind: str, payload: Mapping[str, JsonValue]) -> bytes:
    """Encode an event as Bedrock does: JSON, its type in the headers."""
    headers = {
        ":event-type": kind,
        ":content-type": "application/json",
        ":message-type": "event",
    }
    return encode_frame(headers, encode_json(payload))


def encode_exception(kind: str, payload: Mapping[str, JsonValue]) -> bytes:
    """Encode an error in an open stream; *kind* starts with a small letter."""
    headers = {
        ":exception-type": kind,
        ":content-type": "application/json",
        ":message-type": "exception",
    }
    return encode_frame(headers, encode_json(payload))


def encode_frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """Put lengths before and checksums behind; all numbers are big-endian."""
    encoded_headers = b"".join(_encode_header(*header) for header in headers.items())
    body = encoded_headers + payload
    total = _PRELUDE_BYTES + len(body) + _CHECKSUM_BYTES
    lengths = struct.pack(">II", total, len(encoded_headers))
    prelude = lengths + _checksum(lengths)
    return prelude + body + _checksum(prelude + body)


def _encode_header(name: str, value: str) -> bytes:
    encoded_name, encoded_value = name.encode(), value.encode()
    return (
        struct.pack(">B", len(encoded_name))
        + encoded_name
        + struct.pack(">BH", _STRING, len(encoded_value))
        + encoded_value
    )


def _checksum(content: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(content))


def _with_wrong_checksum(frame: bytes) -> bytes:
    return frame[:-1] + bytes([frame[-1] ^ 1])


MALFORMED_FRAME: Final = _with_wrong_checksum(encode_event("malformed", {}))
