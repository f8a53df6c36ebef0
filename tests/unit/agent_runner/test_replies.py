from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

from agent_runner.agent_protocol.replies import Reply, replied
from shared.contracts.conversations import MessageStatus

COMPLETED = b'{"status": "completed", "content": "Hello!"}\n'


class Piece(bytes):
    """What came in; it counts the bytes that adding it to others copies."""

    copied = 0

    def __radd__(self, before: bytes) -> bytes:
        Piece.copied += len(before)
        return before + bytes(self)


def sent(*pieces: bytes) -> Any:
    async def received() -> AsyncIterator[bytes]:
        for each in pieces:
            yield Piece(each)

    content = SimpleNamespace(iter_any=received)
    return SimpleNamespace(content_type="application/x-ndjson", content=content)


async def heard(*pieces: bytes) -> tuple[list[str], Reply]:
    """Return the pieces that were told, and the reply."""
    told: list[str] = []

    async def tell(text: str) -> None:
        told.append(text)

    reply = await replied(sent(*pieces), tell)
    return told, reply


async def test_a_line_that_trickles_in_is_not_copied_for_every_byte_of_it() -> None:
    line = b'{"delta": "%s"}\n' % (b"x" * 1000)

    told, _ = await heard(*map(bytes, zip(line, strict=True)), COMPLETED)

    assert told == ["x" * 1000]
    assert Piece.copied == 0


async def test_how_lines_were_cut_makes_no_difference() -> None:
    body = b'{"delta": "Good "}\n\n{"delta": "day!"}\n' + COMPLETED[:-1]

    whole = await heard(body)
    cut = await heard(*map(bytes, zip(body, strict=True)))

    assert whole == cut
    assert cut == (
        ["Good ", "day!"],
        Reply(status=MessageStatus.COMPLETED, content="Hello!"),
    )
