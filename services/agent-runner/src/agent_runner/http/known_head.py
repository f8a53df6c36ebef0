"""A head that was read before on the same connection: the same bytes read the same.

A client begins all its requests on a connection alike, but for the length of the body.
Such a request is taken without the parser, which would make of it what it made of the
first, and is between two messages before and after it.
"""

import re
from typing import NamedTuple, Self

from .messages import RequestHead

__all__ = ["KnownHead"]

_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: (\d{1,8})\r\n", re.IGNORECASE)
_MOST_DIGITS = 8


class KnownHead(NamedTuple):
    """*head*, whose bytes are *before*, the digits of a length, and *after*."""

    head: RequestHead
    before: bytes
    after: bytes

    @classmethod
    def read_in(cls, data: bytes, head: RequestHead) -> Self | None:
        """Learn the bytes of *head*, if *data* was one request that begins with it."""
        end = data.find(_END) + len(_END)
        length = _LENGTH.search(data, 0, end)
        if length is None or end + int(length[1]) != len(data):
            return None
        return cls(head, data[: length.start(1)], data[length.end(1) : end])

    def body_in(self, data: bytes) -> bytes | None:
        """Give the body, if *data* is one whole request that begins so."""
        if not data.startswith(self.before):
            return None
        start = len(self.before)
        end = data.find(b"\r", start, start + _MOST_DIGITS + 1)
        if not data.startswith(self.after, end):
            return None
        body = data[end + len(self.after) :]
        return body if data[start:end] == b"%d" % len(body) else None
