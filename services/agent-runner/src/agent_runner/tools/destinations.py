"""Which URLs the tools of an agent may ask, as far as a URL tells.

Which address a name leads to is judged where the connection is made
(`shared.guarded_http`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from shared.addresses import AddressKind
from shared.contracts.agent_types import CredentialDelivery
from shared.web_addresses import UrlInvalidError, WebAddress, web_address

__all__ = ["Destinations", "HostPattern", "needs_hosts", "problem_of_host"]

_USUAL_PORTS = frozenset({80, 443})
_BELOW = "*."
_ADDRESS = re.compile(r"\[.*\]|[0-9.]+")
# Providers' own hosts, wherever they are: what goes there goes through the proxy.
_OF_PROVIDERS = re.compile(
    r"(?:[a-z0-9-]+\.)*(?:api\.openai\.com|api\.anthropic\.com"
    r"|bedrock(?:-[a-z]+)*\.[a-z0-9-]+(?:\.vpce)?"
    r"\.(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|api\.aws))"
)


@dataclass(frozen=True, slots=True)
class HostPattern:
    """A host, or all that lie below it; *port* None is either of the usual ones."""

    address: WebAddress
    port: int | None
    is_below: bool

    @classmethod
    def read(cls, text: str) -> Self:
        """Raise `UrlInvalidError` for what is no host."""
        host = text.removeprefix(_BELOW)
        address = web_address(f"http://{host}/")
        names_port = re.search(r":[0-9]+$", host) is not None
        port = address.port if names_port else None
        return cls(address, port, is_below=text.startswith(_BELOW))

    def covers(self, asked: WebAddress) -> bool:
        if not _has_port(asked, self.port):
            return False
        if self.is_below:
            return asked.host.endswith(f".{self.address.host}")
        return asked.host == self.address.host


@dataclass(frozen=True, slots=True)
class Destinations:
    """*allowed* None is any host; *providers* are those that its model calls go to."""

    allowed: tuple[HostPattern, ...] | None
    providers: tuple[WebAddress, ...]

    @classmethod
    def read(cls, hosts: Iterable[str] | None, base_urls: Iterable[str]) -> Self:
        """Take what was judged when it was configured."""
        return cls(
            None if hosts is None else tuple(map(HostPattern.read, hosts)),
            tuple(map(web_address, base_urls)),
        )

    def problem(self, asked: WebAddress) -> str | None:
        """Say why a tool may not ask this, None if it may."""
        if _is_providers(asked, self.providers):
            return (
                f"{asked.host} is a model provider's, which agents reach through the"
                " proxy alone."
            )
        if self.allowed is None or any(each.covers(asked) for each in self.allowed):
            return None
        return f"{asked.origin} is none of the hosts that this tool may ask."


def needs_hosts(delivery: CredentialDelivery, *, allow_private: bool) -> bool:
    """Say whether a tool must name its hosts.

    An agent that has a provider's key in its environment must not choose whom to tell
    it, and a private network is open where it is named alone.
    """
    return allow_private or delivery is CredentialDelivery.ENVIRONMENT


def problem_of_host(
    text: str, base_urls: Iterable[str], *, allow_private: bool
) -> str | None:
    """Say why a tool's hosts cannot hold this one, None if they can."""
    try:
        pattern = HostPattern.read(text)
        providers = [*map(web_address, base_urls)]
    except UrlInvalidError as error:
        return str(error)
    if pattern.is_below and _ADDRESS.fullmatch(pattern.address.host):
        return "is an address, below which there is nothing"
    if pattern.address.kind is AddressKind.FORBIDDEN:
        return "is a link-local, metadata or reserved address, or no plain spelling"
    if pattern.address.kind is AddressKind.PRIVATE and not allow_private:
        return "lies in a private network, which tools may not reach here"
    if _is_providers(pattern.address, providers):
        return "is a model provider's, which agents reach through the proxy alone"
    return None


def _is_providers(asked: WebAddress, providers: Iterable[WebAddress]) -> bool:
    if _OF_PROVIDERS.fullmatch(asked.host):
        return True
    return any(
        asked.host == each.host and _is_same_port(asked, each) for each in providers
    )


def _is_same_port(one: WebAddress, other: WebAddress) -> bool:
    """Take the two usual ports for one: what answers there is one server."""
    return one.port == other.port or {one.port, other.port} <= _USUAL_PORTS


def _has_port(asked: WebAddress, port: int | None) -> bool:
    return asked.port in _USUAL_PORTS if port is None else asked.port == port
