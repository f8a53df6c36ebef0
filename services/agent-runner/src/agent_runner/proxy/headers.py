"""Which header fields pass between an agent and a provider, either way.

Names are in lower case, and values what one line may hold: our HTTP sees to both.
"""

from collections.abc import Collection
from functools import lru_cache
from urllib.parse import quote
from uuid import UUID

from .wire_format import Fields

__all__ = [
    "bearer_of",
    "media_type_of",
    "request_fields",
    "response_fields",
    "signature",
    "value_of",
    "values_of",
]

# RFC 9110, section 7.6.1, and the fields that older peers treat so.
_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
_CREDENTIALS = frozenset(
    {
        b"authorization",
        b"api-key",
        b"x-api-key",
        b"cookie",
        b"set-cookie",
        # The rest of an AWS signature, which is of no use without its key.
        b"x-amz-content-sha256",
        b"x-amz-date",
        b"x-amz-security-token",
    }
)
# The HTTP client and server set these for their own connection and body.
_FRAMING = frozenset({b"host", b"content-length", b"expect"})
_ENCODING = frozenset({b"accept-encoding", b"content-encoding"})
# It would send the agent around the proxy.
_OF_THE_PROVIDERS_ORIGIN = frozenset({b"alt-svc"})
# Whatever an agent's surroundings have put there: it is meant for nobody outside.
_BAGGAGE = frozenset({b"baggage"})
_NEVER = (
    _HOP_BY_HOP
    | _CREDENTIALS
    | _FRAMING
    | _ENCODING
    | _OF_THE_PROVIDERS_ORIGIN
    | _BAGGAGE
)
_OURS = b"x-ag2trust-"
_LONGEST_MODEL = 256  # as agent types name them
# What `Connection` mostly says; it names no field.
_PERSISTENCE = frozenset({b"keep-alive", b"close"})


def request_fields(client: Fields) -> list[tuple[bytes, bytes]]:
    """Pass the client's fields on, without its credentials.

    Answers are asked for uncompressed, so that usage can be read as it passes.
    """
    return [*_passing(client), (b"accept-encoding", b"identity")]


def response_fields(
    provider: Fields, *, but: Collection[bytes] = ()
) -> list[tuple[bytes, bytes]]:
    """Pass the provider's fields back, *but* for those of some names.

    An answer that came compressed all the same is decompressed on the way.
    """
    return _passing(provider, but=but)


def signature(
    provider_id: UUID, model: str, *, attempts: int
) -> list[tuple[bytes, bytes]]:
    """Say whom an answer is of; a *model* that is none has no name to be told."""
    told = [
        (b"x-ag2trust-provider", str(provider_id).encode()),
        (b"x-ag2trust-attempts", b"%d" % attempts),
    ]
    if 0 < len(model) <= _LONGEST_MODEL:
        told.append((b"x-ag2trust-model", _quoted(model)))
    return told


@lru_cache(256)
def _quoted(model: str) -> bytes:
    return quote(model, safe="/:@+,=", errors="surrogatepass").encode()


def value_of(fields: Fields, name: bytes) -> str:
    """Give the first value of *name*; "" where there is none."""
    for each, value in fields:
        if each == name:
            return value.decode("latin-1")
    return ""


def values_of(fields: Fields, name: bytes) -> list[str]:
    return [value.decode("latin-1") for each, value in fields if each == name]


def bearer_of(fields: Fields) -> str:
    """Read the token of `Authorization: Bearer`; "" for none, or none in ASCII."""
    scheme, _, token = value_of(fields, b"authorization").partition(" ")
    return token if scheme.lower() == "bearer" and token.isascii() else ""


def media_type_of(fields: Fields) -> str:
    """Read the type that `Content-Type` says, without its parameters."""
    return value_of(fields, b"content-type").partition(";")[0].strip().lower()


def _passing(
    received: Fields, *, but: Collection[bytes] = ()
) -> list[tuple[bytes, bytes]]:
    dropped = _NEVER | _named(received) if _names_any(received) else _NEVER
    return [
        (name, value)
        for name, value in received
        if not (name in dropped or name in but or name.startswith(_OURS))
    ]


def _names_any(fields: Fields) -> bool:
    for name, value in fields:
        if name == b"connection" and value.lower() not in _PERSISTENCE:
            return True
    return False


def _named(fields: Fields) -> frozenset[bytes]:
    """Read which further fields `Connection` declares to be of this hop."""
    return frozenset(
        name.strip().lower()
        for field, value in fields
        if field == b"connection"
        for name in value.split(b",")
    )
