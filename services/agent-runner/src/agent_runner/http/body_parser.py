"""Reads the body of a request that asks for another protocol.

llhttp stops after such a head, for the other protocol to go on. This server changes
to none: the request is one of HTTP/1.1, body and all (RFC 9110, section 7.8). Java's
client asks for h2c with each request, unless told otherwise.
"""

from typing import Protocol

from httptools import HttpRequestParser

from .messages import Fields, value_of

__all__ = ["body_parser"]


class _Reader(Protocol):
    def on_body(self, body: bytes) -> None: ...

    def on_message_complete(self) -> None: ...


def body_parser(
    reader: _Reader, fields: Fields, content_length: int
) -> HttpRequestParser:
    """Make a parser that goes on after a head that had these fields and this length."""
    is_chunked = value_of(fields, b"transfer-encoding")
    framing = (
        b"Transfer-Encoding: chunked"
        if is_chunked
        else b"Content-Length: %d" % content_length
    )
    parser = HttpRequestParser(_BodyOnly(reader))
    # It refuses what follows, which might ask for another protocol again.
    parser.feed_data(b"POST / HTTP/1.1\r\nConnection: close\r\n%b\r\n\r\n" % framing)
    return parser


class _BodyOnly:
    """Says nothing of heads: the parser calls what is there."""

    def __init__(self, reader: _Reader) -> None:
        self.on_body = reader.on_body
        self.on_message_complete = reader.on_message_complete
