"""What a message is made of: a start line, fields and a body, all as bytes.

Names of fields are in lower case from the moment they are read (RFC 9110, section 5.1);
values are passed on as they came.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from typing import NamedTuple

__all__ = [
    "Fields",
    "Reply",
    "RequestHead",
    "UnsendableError",
    "encode_fields",
    "http_date",
    "status_line",
    "value_of",
    "values_of",
]

Fields = Sequence[tuple[bytes, bytes]]
"""Pairs of name and value, in the order in which they came or go."""


@dataclass(slots=True)
class RequestHead:
    """What a client asks. *target* is as it was sent, nothing in it is decoded.

    *fields* without `Content-Length`, so that one head can be that of many requests.
    *reached_at* is our address that the request came in on. *worked_out* is what an
    application has made of it: the next request on the connection that begins alike
    has the same head.
    """

    method: bytes
    target: bytes
    fields: Fields
    reached_at: str
    worked_out: object = field(default=None, compare=False, repr=False)


class Reply(NamedTuple):
    """An answer in one piece; *fields* without those that frame it."""

    status: int
    fields: Fields
    body: bytes


class UnsendableError(ValueError):
    """A field would break out of its line."""


def value_of(fields: Fields, name: bytes) -> bytes:
    """Give the first value of *name*; b"" where there is none."""
    for each, value in fields:
        if each == name:
            return value
    return b""


def values_of(fields: Fields, name: bytes) -> list[bytes]:
    return [value for each, value in fields if each == name]


def encode_fields(fields: Fields) -> bytes:
    """Write one line a field; raises `UnsendableError` for what is no line."""
    lines = b"".join([name + b": " + value + b"\r\n" for name, value in fields])
    if len(lines.splitlines()) != len(fields):
        raise UnsendableError
    return lines


def status_line(status: int) -> bytes:
    return _STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status


def http_date(now: float) -> bytes:
    """Write a time of the system's clock as RFC 9110, section 5.6.7, wants it."""
    return formatdate(now, usegmt=True).encode()


_STATUS_LINES = {
    int(status): f"HTTP/1.1 {int(status)} {status.phrase}\r\n".encode()
    for status in HTTPStatus
}
