"""Hides exact secrets in text, also where a stream cuts them in two.

Only the exact value is hidden: a program that encodes a secret before printing it
prints it. This guards against accidents, not against the agent.
"""

import re
from collections.abc import Iterable
from functools import cached_property

__all__ = ["MASK", "SecretMask", "StreamMask"]

MASK = "[secret]"


class SecretMask:
    """Replaces every occurrence of some secrets by `MASK`.

    Where one secret begins another, the longer one is hidden.
    """

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
        return self._pattern.sub(MASK.encode(), data)

    def settled_length(self, data: bytes) -> int:
        """Return how much of *data* more bytes cannot turn into part of a secret.

        The rest begins a secret that has not ended yet, or holds a whole one that
        reaches into such a beginning and may yet be the shorter of two.
        """
        begun = min((_begun(secret, data) for secret in self._secrets), default=None)
        if begun is None or begun == len(data):
            return len(data)
        for match in self._pattern.finditer(data):
            if match.end() > begun:
                return min(begun, match.start())
        return begun

    @cached_property
    def _secrets(self) -> list[bytes]:
        return [each.encode() for each in sorted(self._texts, key=len, reverse=True)]

    @cached_property
    def _pattern(self) -> re.Pattern[bytes]:
        # Without secrets: a pattern that never matches.
        return re.compile(b"|".join(map(re.escape, self._secrets)) or rb"(?!)")


class StreamMask:
    """Masks a stream as it comes, holding back what may become a secret."""

    def __init__(self, secrets: SecretMask) -> None:
        self._secrets = secrets
        self._held = b""

    @property
    def holds_back(self) -> bool:
        return bool(self._held)

    def feed(self, data: bytes) -> bytes:
        pending = self._held + data
        settled = self._secrets.settled_length(pending)
        self._held = pending[settled:]
        return self._secrets.hide_bytes(pending[:settled])


def _begun(secret: bytes, data: bytes) -> int:
    """Return where the longest end of *data* starts that is a beginning of *secret*."""
    start = data.find(secret[:1], max(0, len(data) - len(secret) + 1))
    while start >= 0:
        if secret.startswith(data[start:]):
            return start
        start = data.find(secret[:1], start + 1)
    return len(data)
