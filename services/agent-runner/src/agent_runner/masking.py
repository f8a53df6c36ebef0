"""Hides exact secrets in text, also where a stream cuts them in two.

Only the exact value is hidden: a program that encodes a secret before printing it
prints it. This guards against accidents, not against the agent. But the agent chooses
what it prints, and others its secrets, so the search takes a time that grows with the
text alone, however much a secret resembles itself.
"""

from collections.abc import Iterable
from functools import cached_property
from heapq import heappop, heappush
from typing import NamedTuple

__all__ = ["MASK", "SecretMask", "StreamMask"]

MASK = "[secret]"


class SecretMask:
    """Replaces every occurrence of some secrets by `MASK`; what overlaps, by one."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Cost little: most masks are made for answers that need none."""
        self._texts = [*filter(None, secrets)]

    def hide(self, text: str) -> str:
        if not self.hides(text):
            return text
        hidden = self.hide_bytes(text.encode(errors="surrogatepass"))
        return hidden.decode(errors="surrogatepass")

    def hides(self, text: str) -> bool:
        """Say whether *text* has a secret in it."""
        return any(map(text.__contains__, self._texts))

    def hide_bytes(self, data: bytes) -> bytes:
        if not any(each.text in data for each in self.secrets):
            return data
        stream = StreamMask(self)
        return stream.feed(data) + stream.rest()

    @cached_property
    def secrets(self) -> "list[_Secret]":
        return [_Secret(text.encode()) for text in self._texts]


class StreamMask:
    """Masks a stream as it comes, holding back what may become a secret.

    All places are counted from the beginning of the stream.
    """

    def __init__(self, secrets: SecretMask) -> None:
        self._searches = [_Search(each) for each in secrets.secrets]
        self._held = b""
        self._heard_to = 0
        self._found: list[_Span] = []
        self._hidden_to = 0

    @property
    def holds_back(self) -> bool:
        return bool(self._held)

    def feed(self, data: bytes) -> bytes:
        for search in self._searches:
            for span in search.take(data, at=self._heard_to):
                heappush(self._found, span)
        self._held += data
        self._heard_to += len(data)
        begun = max((each.begun for each in self._searches), default=0)
        return self._settled(self._heard_to - begun)

    def rest(self) -> bytes:
        """Give out what was held back: nothing more comes."""
        return self._settled(self._heard_to)

    def _settled(self, end: int) -> bytes:
        """Give out what is before *end*; no secret that is yet to end begins there."""
        parts: list[bytes] = []
        while self._found and self._found[0].start <= end:
            span = heappop(self._found)
            if span.start >= self._hidden_to:
                parts += (self._taken(span.start), MASK.encode())
            self._hidden_to = max(self._hidden_to, span.end)
            self._taken(self._hidden_to)
        parts.append(self._taken(end))
        return b"".join(parts)

    def _taken(self, end: int) -> bytes:
        """Take what is held out, up to *end*."""
        held = self._held
        count = max(0, end - self._heard_to + len(held))
        self._held = held[count:]
        return held[:count]


class _Span(NamedTuple):
    start: int
    end: int


class _Secret:
    """A secret, and how much of it is still begun where more of it breaks off.

    *borders* has, for each length of a beginning of the secret, the length of the
    longest shorter one that it ends in (Knuth, Morris and Pratt, 1977). *steps* are its
    bytes, and one that no byte equals: a whole secret breaks off at whatever follows.
    """

    def __init__(self, text: bytes) -> None:
        self.text = text

    @cached_property
    def steps(self) -> list[int]:
        return [*self.text, -1]

    @cached_property
    def borders(self) -> list[int]:
        borders, begun = [0, 0], 0
        for byte in self.text[1:]:
            while begun and byte != self.text[begun]:
                begun = borders[begun]
            begun += byte == self.text[begun]
            borders.append(begun)
        return borders


class _Search:
    """Finds one secret in a stream; *begun* bytes of it end what was taken."""

    def __init__(self, secret: _Secret) -> None:
        self._secret = secret
        self.begun = 0

    def take(self, data: bytes, *, at: int) -> list[_Span]:
        """Find where it stands; *data* begins *at* that place of the stream."""
        text, place = self._secret.text, 0
        found: list[_Span] = []
        while place < len(data):
            if self.begun:
                place = self._follow(data, place, at, found)
            elif (start := data.find(text, place)) >= 0:
                place, self.begun = start + len(text), len(text)
                found.append(_Span(at + start, at + place))
            else:
                self.begun = _begun(text, data, place)
                break
        return found

    def _follow(self, data: bytes, place: int, at: int, found: list[_Span]) -> int:
        """Go on while the secret is begun; return how far that is.

        Places where it stands are added to *found*, those that overlap as one.
        """
        steps, borders, begun = self._secret.steps, self._secret.borders, self.begun
        length = len(borders) - 1
        for heard, byte in enumerate(memoryview(data)[place:], place + 1):
            while begun and byte != steps[begun]:
                begun = borders[begun]
            begun += byte == steps[begun]
            if begun == length:
                start = at + heard - length
                if found and start < found[-1].end:
                    start = found.pop().start
                found.append(_Span(start, at + heard))
            elif not begun:
                break
        self.begun = begun
        return heard


def _begun(secret: bytes, data: bytes, place: int) -> int:
    """Return how much of *secret* the end of *data*, behind *place*, begins at most."""
    start = data.find(secret[:1], max(place, len(data) - len(secret) + 1))
    while start >= 0:
        if secret.startswith(data[start:]):
            return len(data) - start
        start = data.find(secret[:1], start + 1)
    return 0
