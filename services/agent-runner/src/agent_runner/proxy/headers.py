"""Which headers pass between an agent and a provider, either way."""

import re

from multidict import CIMultiDict, CIMultiDictProxy

__all__ = ["request_headers", "response_headers"]

# RFC 9110, section 7.6.1, and the fields that older peers treat so.
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_CREDENTIALS = frozenset(
    {"authorization", "api-key", "x-api-key", "cookie", "set-cookie"}
)
# The HTTP client and server set these for their own connection and body.
_FRAMING = frozenset({"host", "content-length", "expect"})
_ENCODING = frozenset({"accept-encoding", "content-encoding"})
# It would send the agent around the proxy.
_OF_THE_PROVIDERS_ORIGIN = frozenset({"alt-svc"})
_NEVER = _HOP_BY_HOP | _CREDENTIALS | _FRAMING | _ENCODING | _OF_THE_PROVIDERS_ORIGIN
_OURS = "x-ag2trust-"
_UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # RFC 9110, section 5.5

Headers = CIMultiDictProxy[str]


def request_headers(client: Headers, *, key: str) -> "CIMultiDict[str]":
    """Pass the client's headers on, with the provider's key in place of its own.

    Answers are asked for uncompressed, so that usage can be read as it passes.
    """
    headers = _passing(client)
    headers["Authorization"] = f"Bearer {key}"
    headers["Accept-Encoding"] = "identity"
    return headers


def response_headers(provider: Headers) -> "CIMultiDict[str]":
    """Pass the provider's headers back.

    An answer that came compressed all the same is decompressed on the way.
    """
    return _passing(provider)


def _passing(received: Headers) -> "CIMultiDict[str]":
    dropped = _NEVER | _named(received)
    return CIMultiDict(
        (name, value)
        for name, value in received.items()
        if name.lower() not in dropped
        and not name.lower().startswith(_OURS)
        and not _UNSENDABLE.search(value)
    )


def _named(headers: Headers) -> frozenset[str]:
    """Read which further headers `Connection` declares to be of this hop."""
    return frozenset(
        name.strip().lower()
        for value in headers.getall("Connection", [])
        for name in value.split(",")
    )
