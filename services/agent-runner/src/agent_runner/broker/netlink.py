"""How the kernel is told changes of its packet filter, and asked what it has counted.

Changes are made all at once, or none of them is.

Over netlink, so that no program is needed. Layouts and numbers are those of
linux/netlink.h, linux/netfilter/nfnetlink.h and linux/netfilter/nf_tables.h: headers in
the host's byte order, numbers in attributes big-endian.
"""

import os
import socket
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

__all__ = [
    "Change",
    "Verb",
    "attributes",
    "commit",
    "listed",
    "nested",
    "number",
    "octets",
    "text",
]

_NETLINK_NETFILTER = 12
_NFNL_SUBSYS_NFTABLES = 10
_BATCH_BEGIN, _BATCH_END = 16, 17
_NFPROTO_UNSPEC, _NFPROTO_INET = 0, 1
_NLM_F_REQUEST, _NLM_F_ACK = 0x1, 0x4
_NLM_F_CREATE, _NLM_F_APPEND = 0x400, 0x800
_NLA_F_NESTED = 0x8000
_NLM_F_DUMP = 0x300
_NLA_TYPE = 0x3FFF
_NLMSG_ERROR, _NLMSG_DONE = 2, 3

_MESSAGE = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_FAMILY = struct.Struct(">BBH")  # address family, version, resource
_ATTRIBUTE = struct.Struct("=HH")  # length, type
_ERROR = struct.Struct("=i")
_ANSWER_BYTES = 64 * 1024
_ANSWER_SECONDS = 5


class Verb(IntEnum):
    """What a change does (`enum nf_tables_msg_types`)."""

    NEW_TABLE = 0
    DELETE_TABLE = 2
    NEW_CHAIN = 3
    NEW_RULE = 6
    NEW_SET = 9
    NEW_ELEMENTS = 12
    LIST_ELEMENTS = 13
    DELETE_ELEMENTS = 14


@dataclass(frozen=True, slots=True)
class Change:
    verb: Verb
    attributes: tuple[bytes, ...]

    def encoded(self, sequence: int, flags: int) -> bytes:
        if self.verb not in (Verb.DELETE_TABLE, Verb.DELETE_ELEMENTS):
            flags |= _NLM_F_CREATE | _NLM_F_APPEND
        kind = _NFNL_SUBSYS_NFTABLES << 8 | self.verb
        head = _FAMILY.pack(_NFPROTO_INET, 0, 0)
        return _message(kind, flags, sequence, head + b"".join(self.attributes))


def octets(kind: int, value: bytes) -> bytes:
    """Return one attribute, padded to four bytes."""
    length = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(length, kind) + value + bytes(-length % 4)


def text(kind: int, value: str) -> bytes:
    return octets(kind, value.encode() + b"\0")


def number(kind: int, value: int) -> bytes:
    return octets(kind, struct.pack(">I", value & 0xFFFFFFFF))


def nested(kind: int, *attributes: bytes) -> bytes:
    return octets(kind | _NLA_F_NESTED, b"".join(attributes))


def commit(changes: Sequence[Change]) -> None:
    """Make *changes*, of tables of the family inet; raise OSError if one is refused."""
    last = len(changes)
    messages = [
        each.encoded(sequence, _NLM_F_ACK if sequence == last else 0)
        for sequence, each in enumerate(changes, start=1)
    ]
    batch = [_edge(_BATCH_BEGIN, 0), *messages, _edge(_BATCH_END, last + 1)]
    with _kernel() as kernel:
        kernel.send(b"".join(batch))
        while not _is_acknowledged(kernel.recv(_ANSWER_BYTES), last):
            pass


def listed(verb: Verb, *asked: bytes) -> list[bytes]:
    """Ask for a list; return its messages' attributes, or raise OSError.

    *verb* is one that asks, of a table of the family inet.
    """
    kind = _NFNL_SUBSYS_NFTABLES << 8 | verb
    head = _FAMILY.pack(_NFPROTO_INET, 0, 0)
    with _kernel() as kernel:
        kernel.send(_message(kind, _NLM_F_DUMP, 1, head + b"".join(asked)))
        found: list[bytes] = []
        while not _is_listed(kernel.recv(_ANSWER_BYTES), found):
            pass
    return found


def attributes(held: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the kind and the value of each attribute."""
    while len(held) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(held)
        yield kind & _NLA_TYPE, held[_ATTRIBUTE.size : length]
        held = held[max(length + -length % 4, _ATTRIBUTE.size) :]


def _kernel() -> socket.socket:
    kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
    kernel.settimeout(_ANSWER_SECONDS)
    return kernel


def _edge(kind: int, sequence: int) -> bytes:
    head = _FAMILY.pack(_NFPROTO_UNSPEC, 0, _NFNL_SUBSYS_NFTABLES)
    return _message(kind, 0, sequence, head)


def _message(kind: int, flags: int, sequence: int, payload: bytes) -> bytes:
    length = _MESSAGE.size + len(payload)
    head = _MESSAGE.pack(length, kind, flags | _NLM_F_REQUEST, sequence, 0)
    return head + payload


def _is_acknowledged(answer: bytes, last: int) -> bool:
    """Look for the end among some answers; raise what the kernel refuses with."""
    for kind, sequence, payload in _messages(answer):
        if kind == _NLMSG_ERROR:
            _raise_if_refused(payload)
            if sequence == last:
                return True
    return False


def _is_listed(answer: bytes, found: list[bytes]) -> bool:
    """Put what the kernel lists into *found*; say whether that was all."""
    for kind, _, payload in _messages(answer):
        if kind == _NLMSG_ERROR:
            _raise_if_refused(payload)
        if kind in (_NLMSG_ERROR, _NLMSG_DONE):
            return True
        found.append(payload[_FAMILY.size :])
    return False


def _messages(answer: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield the type, the sequence and the payload of each message."""
    while answer:
        length, kind, _, sequence, _ = _MESSAGE.unpack_from(answer)
        yield kind, sequence, answer[_MESSAGE.size : length]
        answer = answer[length + -length % 4 :]


def _raise_if_refused(payload: bytes) -> None:
    (code,) = _ERROR.unpack_from(payload)
    if code:
        raise OSError(-code, os.strerror(-code))
