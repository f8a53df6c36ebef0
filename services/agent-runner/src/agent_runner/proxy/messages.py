"""Our values as the HTTP library takes them."""

from aiohttp import web
from multidict import CIMultiDict

from .wire_format import Fields, Reply

__all__ = ["headers_of", "response_of"]


def headers_of(fields: Fields) -> "CIMultiDict[str]":
    """Decode as the library has decoded them, so that it encodes the same bytes."""
    return CIMultiDict(
        (name.decode(errors="surrogateescape"), value.decode(errors="surrogateescape"))
        for name, value in fields
    )


def response_of(reply: Reply) -> web.Response:
    return web.Response(
        status=reply.status, headers=headers_of(reply.fields), body=reply.body
    )
