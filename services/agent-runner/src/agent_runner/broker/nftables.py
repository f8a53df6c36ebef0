"""The few words of nftables that closing ports takes, as changes for the kernel.

Each function names the words of nft(8) that it stands for. The numbers are those of
linux/netfilter/nf_tables.h, in the order of its enumerations.
"""

import struct
from collections.abc import Iterable, Iterator

from .netlink import (
    Change,
    Verb,
    attributes,
    listed,
    nested,
    number,
    octets,
    text,
)

__all__ = ["Table", "accept", "drop", "from_interfaces", "to_tcp_port"]

_REGISTER, _VERDICT_REGISTER = 1, 0
_META_INTERFACE, _META_PROTOCOL = 6, 16
_EQUAL = 0
_TRANSPORT_HEADER, _DESTINATION_PORT_AT, _PORT_BYTES = 2, 2, 2
_TCP = 6
_DROP, _ACCEPT = 0, 1
_LOCAL_IN, _BEFORE_OTHERS = 1, -10
_INTERFACE_BYTES, _INTERFACE_TYPE = 16, 41  # IFNAMSIZ; what nft calls `ifname`
_LIST_ELEMENT = 1
_COUNTER = 7  # of an element: its one expression, which its set has asked for
_SET_ID = 1  # of a set within its transaction
# For `nft list` alone (libnftnl, NFTNL_UDATA_SET_KEYBYTEORDER), else names look empty.
_IN_HOST_ORDER = struct.pack("=BBI", 0, 4, 1)


class Table:
    """Changes of the table `inet NAME`."""

    def __init__(self, name: str) -> None:
        self._name = text(1, name)

    def new(self) -> Change:
        """`add table`."""
        return Change(Verb.NEW_TABLE, (self._name,))

    def gone(self) -> Change:
        """`delete table`, with everything in it."""
        return Change(Verb.DELETE_TABLE, (self._name,))

    def set_of_interfaces(self, name: str) -> Change:
        """`add set { type ifname; counter; }`."""
        return Change(
            Verb.NEW_SET,
            (
                self._name,
                text(2, name),
                number(3, 0),
                number(4, _INTERFACE_TYPE),
                number(5, _INTERFACE_BYTES),
                number(10, _SET_ID),
                octets(13, _IN_HOST_ORDER),
                nested(17, text(1, "counter"), nested(2)),
            ),
        )

    def input_chain(self, name: str) -> Change:
        """`add chain { type filter hook input priority -10; policy accept; }`."""
        hook = nested(4, number(1, _LOCAL_IN), number(2, _BEFORE_OTHERS))
        return Change(
            Verb.NEW_CHAIN,
            (self._name, text(3, name), hook, number(5, _ACCEPT), text(7, "filter")),
        )

    def rule(self, chain: str, *expressions: bytes) -> Change:
        """`add rule`, behind those that are there."""
        return Change(
            Verb.NEW_RULE, (self._name, text(2, chain), nested(4, *expressions))
        )

    def add(self, name: str, interfaces: Iterable[str]) -> Change:
        """`add element`."""
        return self._elements(Verb.NEW_ELEMENTS, name, interfaces)

    def remove(self, name: str, interfaces: Iterable[str]) -> Change:
        """`delete element`."""
        return self._elements(Verb.DELETE_ELEMENTS, name, interfaces)

    def counted(self, name: str) -> dict[str, int]:
        """Return the packets that matched each interface of a set; may raise OSError.

        None are told of by a kernel before 5.7, which counts per rule only.
        """
        found = listed(Verb.LIST_ELEMENTS, self._name, text(2, name))
        return dict(_counters(found))

    def _elements(self, verb: Verb, name: str, interfaces: Iterable[str]) -> Change:
        elements = (
            nested(_LIST_ELEMENT, nested(1, octets(1, _padded(each))))
            for each in interfaces
        )
        return Change(verb, (self._name, text(2, name), nested(3, *elements)))


def from_interfaces(name: str) -> bytes:
    """`iifname @NAME`."""
    return _meta(_META_INTERFACE) + _expression(
        "lookup", text(1, name), number(2, _REGISTER)
    )


def to_tcp_port(port: int) -> bytes:
    """`tcp dport PORT`."""
    destination_port = _expression(
        "payload",
        number(1, _REGISTER),
        number(2, _TRANSPORT_HEADER),
        number(3, _DESTINATION_PORT_AT),
        number(4, _PORT_BYTES),
    )
    return (
        _meta(_META_PROTOCOL)
        + _is(bytes([_TCP]))
        + destination_port
        + _is(struct.pack(">H", port))
    )


def accept() -> bytes:
    return _verdict(_ACCEPT)


def drop() -> bytes:
    return _verdict(_DROP)


def _meta(key: int) -> bytes:
    return _expression("meta", number(1, _REGISTER), number(2, key))


def _is(value: bytes) -> bytes:
    return _expression(
        "cmp", number(1, _REGISTER), number(2, _EQUAL), nested(3, octets(1, value))
    )


def _verdict(code: int) -> bytes:
    verdict = nested(2, nested(2, number(1, code)))
    return _expression("immediate", number(1, _VERDICT_REGISTER), verdict)


def _expression(name: str, *attributes: bytes) -> bytes:
    return nested(_LIST_ELEMENT, text(1, name), nested(2, *attributes))


def _counters(lists: Iterable[bytes]) -> Iterator[tuple[str, int]]:
    for held in lists:
        for _, element in attributes(dict(attributes(held)).get(3, b"")):
            parts = dict(attributes(element))
            if _COUNTER in parts:
                yield _interface(parts[1]), _packets(parts[_COUNTER])


def _interface(key: bytes) -> str:
    return dict(attributes(key))[1].rstrip(b"\0").decode()


def _packets(counter: bytes) -> int:
    told = dict(attributes(dict(attributes(counter))[2]))
    return int.from_bytes(told[2], "big")


def _padded(interface: str) -> bytes:
    return interface.encode().ljust(_INTERFACE_BYTES, b"\0")
