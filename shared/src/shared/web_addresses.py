"""What a URL says of where it leads, before its host is resolved.

The address that a host resolves to is another question, answered where the connection
is made: see `shared.guarded_http`.
"""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from .addresses import AddressKind, classify

__all__ = ["UrlInvalidError", "WebAddress", "web_address"]

# A strict subset of RFC 3986, so that no two parsers can disagree about it: no user
# name or fragment, nothing encoded in the host, nothing but ASCII.
_URL = re.compile(
    r"""(?P<scheme>https?)://
        (?P<host>\[[0-9a-f:.]+\]|[a-z0-9_.-]+)
        (?::(?P<port>[0-9]{1,5}))?
        (?P<path>/[a-z0-9/._~!$&'()*+,;=:@%-]*)?
        (?:\?(?P<query>[a-z0-9/._~!$&'()*+,;=:@%?|\[\]-]*))?""",
    re.VERBOSE | re.IGNORECASE,
)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_NAME_MAX_CHARACTERS = 253
_PORT_MAX = 65535
_PRIVILEGED_PORTS = 1024

# RFC 6761, RFC 6762, RFC 8375, and ICANN's reservation of .internal of July 2024.
_PRIVATE_ENDINGS = (".localhost", ".localdomain", ".local", ".home.arpa", ".internal")
_METADATA_NAMES = frozenset({"metadata.google.internal", "metadata.goog"})


class UrlInvalidError(ValueError):
    """The text is no plain URL; the message goes on after "The URL"."""


@dataclass(frozen=True, slots=True)
class WebAddress:
    """A URL in its parts; *host* in lower case, an IPv6 address in brackets.

    *kind* is what the host's spelling alone tells; a name counts as public unless it
    is known not to be.
    """

    scheme: str
    host: str
    port: int
    path: str
    query: str | None
    kind: AddressKind

    @property
    def is_for_http(self) -> bool:
        """False for a port below 1024 that is another protocol's."""
        return self.port >= _PRIVILEGED_PORTS or self.port in _DEFAULT_PORTS.values()

    @property
    def origin(self) -> str:
        """Scheme, host and port; the port only where it is not the scheme's."""
        is_default = self.port == _DEFAULT_PORTS[self.scheme]
        port = "" if is_default else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"

    @property
    def url(self) -> str:
        """The one spelling."""
        query = "" if self.query is None else f"?{self.query}"
        return f"{self.origin}{self.path}{query}"


def web_address(text: str) -> WebAddress:
    """Take *text* apart; raises `UrlInvalidError`."""
    match = _URL.fullmatch(text)
    if match is None:
        raise UrlInvalidError(
            "must look like https://host/path, without user name or fragment"
        )
    scheme, host = match["scheme"].lower(), match["host"].lower()
    return WebAddress(
        scheme=scheme,
        host=f"[{_ipv6(host)}]" if host.startswith("[") else host,
        port=_port(match["port"], scheme),
        path=match["path"] or "",
        query=match["query"],
        kind=_kind_of(host),
    )


def _kind_of(host: str) -> AddressKind:
    if host.startswith("["):
        return classify(_ipv6(host))
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        return _kind_of_ipv4(host)
    return _kind_of_name(host)


def _ipv6(host: str) -> IPv6Address:
    try:
        return IPv6Address(host[1:-1])
    except AddressValueError:
        raise UrlInvalidError(
            "has no valid IPv6 address between its brackets"
        ) from None


def _kind_of_ipv4(host: str) -> AddressKind:
    """Read four decimal numbers.

    Resolvers take other spellings too (2130706433, 0x7f.1, 0177.0.0.1); those hide
    where a URL points, so they are forbidden whatever they mean.
    """
    try:
        return classify(IPv4Address(host))
    except AddressValueError:
        return AddressKind.FORBIDDEN


def _kind_of_name(host: str) -> AddressKind:
    labels = host.split(".")
    if len(host) > _NAME_MAX_CHARACTERS or not all(map(_LABEL.fullmatch, labels)):
        raise UrlInvalidError("has no valid host name")
    if host in _METADATA_NAMES:
        return AddressKind.FORBIDDEN
    if len(labels) == 1 or host.endswith(_PRIVATE_ENDINGS):
        return AddressKind.PRIVATE
    return AddressKind.PUBLIC


def _port(port: str | None, scheme: str) -> int:
    if port is None:
        return _DEFAULT_PORTS[scheme]
    if not 1 <= int(port) <= _PORT_MAX:
        raise UrlInvalidError("has no valid port")
    return int(port)
