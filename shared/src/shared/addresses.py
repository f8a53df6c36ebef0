"""Which network addresses may be reached.

The lists are our own because `ipaddress.is_global` is not one: in CPython 3.11.7 it
calls NAT64, 6to4, multicast and cloud metadata addresses global, and it changes with
the patch release. Sources: the IANA special-purpose address registries (RFC 6890),
and the documentation of the clouds named below.
"""

from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

__all__ = ["AddressKind", "classify", "may_reach"]


class AddressKind(StrEnum):
    """*public* may be reached, *private* if the operator allows it, *forbidden* never.

    Loopback is private. Link-local, metadata, multicast, reserved and tunnelling
    addresses are forbidden.
    """

    PUBLIC = "public"
    PRIVATE = "private"
    FORBIDDEN = "forbidden"


_FORBIDDEN_V4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "100.100.100.200/32",  # Alibaba Cloud metadata
            "168.63.129.16/32",  # Azure's host, and its metadata
            "169.254.0.0/16",  # link-local; AWS, Azure and Google metadata
            "192.0.0.0/24",  # protocol assignments; Oracle metadata
            "192.0.2.0/24",
            "192.88.99.0/24",  # 6to4 relays
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ),
    )
)
_PRIVATE_V4 = tuple(
    map(
        IPv4Network,
        (
            "10.0.0.0/8",
            "100.64.0.0/10",  # carrier-grade NAT, RFC 6598
            "127.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "198.18.0.0/15",  # benchmarks, RFC 2544; used by VPNs
        ),
    )
)

_MAPPED_V4 = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the IPv4 address is the last 32 bits
_LOOPBACK_V6 = IPv6Address("::1")
_UNIQUE_LOCAL_V6 = IPv6Network("fc00::/7")
_GLOBAL_UNICAST_V6 = IPv6Network("2000::/3")
_FORBIDDEN_V6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments; Teredo tunnels
            "2001:db8::/32",
            "2002::/16",  # 6to4 tunnels
            "3fff::/20",
            "fd00:42::42/128",  # Scaleway metadata
            "fd00:ec2::/32",  # AWS metadata and its neighbours
            "fd20:ce::254/128",  # Google metadata
        ),
    )
)


@lru_cache(1024)
def may_reach(address: str, *, allow_private: bool) -> bool:
    """Tell whether a socket may be connected to *address*, as `getaddrinfo` says it."""
    kind = classify(ip_address(address.partition("%")[0]))
    is_private = kind is AddressKind.PRIVATE
    return kind is AddressKind.PUBLIC or (is_private and allow_private)


def classify(address: IPv4Address | IPv6Address) -> AddressKind:
    """Say what *address* is; one that only wraps an IPv4 address is what it wraps."""
    if isinstance(address, IPv4Address):
        return _classify_v4(address)
    if address in _MAPPED_V4 or address in _NAT64:
        return _classify_v4(IPv4Address(int(address) & 0xFFFF_FFFF))
    return _classify_v6(address)


def _classify_v4(address: IPv4Address) -> AddressKind:
    if any(address in network for network in _FORBIDDEN_V4):
        return AddressKind.FORBIDDEN
    if any(address in network for network in _PRIVATE_V4):
        return AddressKind.PRIVATE
    return AddressKind.PUBLIC


def _classify_v6(address: IPv6Address) -> AddressKind:
    if any(address in network for network in _FORBIDDEN_V6):
        return AddressKind.FORBIDDEN
    if address == _LOOPBACK_V6 or address in _UNIQUE_LOCAL_V6:
        return AddressKind.PRIVATE
    if address in _GLOBAL_UNICAST_V6:
        return AddressKind.PUBLIC
    return AddressKind.FORBIDDEN
