"""What a reader is told of a reply while it is made, and be pieces of it lost."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from shared.contracts.conversations import MessageChunk

__all__ = ["Delta", "Earshot", "Piece", "ReplyReader", "Restart"]


@dataclass(frozen=True, slots=True)
class Delta:
    """More of the reply."""

    content: str


@dataclass(frozen=True, slots=True)
class Restart:
    """What was told so far is not the reply's beginning: forget it."""


Piece = Delta | Restart


class ReplyReader:
    """Makes pieces of chunks, so that what was told since the last restart is true.

    It is the beginning of what one attempt says. Once a chunk of an attempt is missing,
    nothing more is told of it: the stored reply, which comes last, is whole.
    """

    def __init__(self) -> None:
        self._attempt = 0
        self._next_index = 0
        self._has_gap = False
        self._has_told = False

    def hear(self, chunk: MessageChunk) -> list[Piece]:
        if chunk.attempt < self._attempt:
            return []
        restart = self._begun(chunk.attempt) if chunk.attempt > self._attempt else []
        if self._has_gap or chunk.index < self._next_index:
            return restart
        if chunk.index > self._next_index:
            self._has_gap = True
            return restart or self._restarted()
        self._next_index += 1
        self._has_told = True
        return [*restart, Delta(chunk.text)]

    def _begun(self, attempt: int) -> list[Piece]:
        self._attempt, self._next_index, self._has_gap = attempt, 0, False
        return self._restarted()

    def _restarted(self) -> list[Piece]:
        """Take back what was told, if anything was."""
        restart: list[Piece] = [Restart()] if self._has_told else []
        self._has_told = False
        return restart


class Earshot:
    """Chunks that were heard and not read yet, *most_characters* of them.

    What does not fit is lost: to its reader that is a gap like any other.
    """

    def __init__(
        self, heard: Callable[[], None], *, most_characters: int = 256 * 1024
    ) -> None:
        self._heard = heard
        self._room = most_characters
        self._chunks: deque[MessageChunk] = deque()
        self._reader = ReplyReader()

    def hear(self, chunk: MessageChunk) -> None:
        if len(chunk.text) > self._room:
            return
        self._room -= len(chunk.text)
        self._chunks.append(chunk)
        self._heard()

    def pieces(self) -> list[Piece]:
        """Take out what there is to tell by now."""
        pieces: list[Piece] = []
        while self._chunks:
            chunk = self._chunks.popleft()
            self._room += len(chunk.text)
            pieces += self._reader.hear(chunk)
        return pieces
