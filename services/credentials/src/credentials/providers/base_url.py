"""Base URLs of providers: one spelling, an origin, and where they may point.

Written here is what can be said of a URL without resolving its host; the address that
a host resolves to is checked by the runner when it connects, with the same
`shared.addresses`.
"""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import unquote

from shared.addresses import AddressKind, classify
from shared.errors import BaseUrlForbiddenError, InvalidError

__all__ = ["normalise", "origin_of"]

# A strict subset of RFC 3986, so that no two parsers can disagree about it: no user
# name, query or fragment, nothing encoded in the host, nothing but ASCII.
_URL = re.compile(
    r"""(?P<scheme>https?)://
        (?P<host>\[[0-9a-f:.]+\]|[a-z0-9_.-]+)
        (?::(?P<port>[0-9]{1,5}))?
        (?P<path>/[a-z0-9/._~!$&'()*+,;=:@%-]*)?""",
    re.VERBOSE | re.IGNORECASE,
)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_NAME_MAX_CHARACTERS = 253
_PORT_MAX = 65535

# RFC 6761, RFC 6762, RFC 8375, and ICANN's reservation of .internal of July 2024.
_PRIVATE_ENDINGS = (".localhost", ".localdomain", ".local", ".home.arpa", ".internal")
_METADATA_NAMES = frozenset({"metadata.google.internal", "metadata.goog"})


def normalise(text: str, *, allow_private: bool) -> str:
    """Return the one spelling of *text*: lower-case host, no default port or last "/".

    Raises `InvalidError` for what is not such a URL, `BaseUrlForbiddenError` for one
    that points where no provider may be. Plain http needs *allow_private*.
    """
    match = _URL.fullmatch(text)
    if match is None:
        raise _invalid(
            "must look like https://host/path, without user name, query or fragment"
        )
    scheme, host = match["scheme"].lower(), match["host"].lower()
    _require_allowed(_kind_of(host), allow_private=allow_private)
    if scheme == "http" and not allow_private:
        raise _invalid("must start with https://")
    port, path = _port(match["port"], scheme), _path(match["path"] or "")
    return f"{scheme}://{_spelled(host)}{port}{path}"


def origin_of(base_url: str) -> str:
    """Return scheme, host and port of a normalised URL."""
    return "/".join(base_url.split("/", 3)[:3])


def _require_allowed(kind: AddressKind, *, allow_private: bool) -> None:
    if kind is AddressKind.FORBIDDEN:
        raise _forbidden(
            "A base URL may not point to a link-local, metadata or reserved address."
        )
    if kind is AddressKind.PRIVATE and not allow_private:
        raise _forbidden(
            "A base URL may not point into a private network; the setting "
            "AG2TRUST_CREDENTIALS_ALLOW_PRIVATE_BASE_URLS permits it."
        )


def _kind_of(host: str) -> AddressKind:
    if host.startswith("["):
        return classify(_ipv6(host))
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        return classify(_ipv4(host))
    return _kind_of_name(host)


def _ipv6(host: str) -> IPv6Address:
    try:
        return IPv6Address(host[1:-1])
    except AddressValueError:
        raise _invalid("has no valid IPv6 address between its brackets") from None


def _ipv4(host: str) -> IPv4Address:
    """Read four decimal numbers.

    Resolvers take other spellings too (2130706433, 0x7f.1, 0177.0.0.1); those hide
    where a URL points, so they are refused whatever they mean.
    """
    try:
        return IPv4Address(host)
    except AddressValueError:
        raise _forbidden(
            "A base URL must write an IPv4 address as four decimal numbers."
        ) from None


def _kind_of_name(host: str) -> AddressKind:
    labels = host.split(".")
    if len(host) > _NAME_MAX_CHARACTERS or not all(map(_LABEL.fullmatch, labels)):
        raise _invalid("has no valid host name")
    if host in _METADATA_NAMES:
        return AddressKind.FORBIDDEN
    if len(labels) == 1 or host.endswith(_PRIVATE_ENDINGS):
        return AddressKind.PRIVATE
    return AddressKind.PUBLIC


def _spelled(host: str) -> str:
    return f"[{_ipv6(host)}]" if host.startswith("[") else host


def _port(port: str | None, scheme: str) -> str:
    if port is None or int(port) == _DEFAULT_PORTS[scheme]:
        return ""
    if not 1 <= int(port) <= _PORT_MAX:
        raise _invalid("has no valid port")
    return f":{int(port)}"


def _path(path: str) -> str:
    segments = unquote(path).split("/")
    if "." in segments or ".." in segments:
        raise _invalid('must not hold "." or ".." in its path')
    return path.rstrip("/")


def _invalid(message: str) -> InvalidError:
    return InvalidError(
        f"The base URL {message}.",
        details={"fields": [{"field": "base_url", "message": message}]},
    )


def _forbidden(sentence: str) -> BaseUrlForbiddenError:
    return BaseUrlForbiddenError(
        sentence, details={"fields": [{"field": "base_url", "message": sentence}]}
    )
