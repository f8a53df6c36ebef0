"""Passwords: hashed with Argon2id, compared without telling who has one."""

import asyncio
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

__all__ = ["Passwords"]

_AT_ONCE = 2  # each takes 64 MiB and a core


class Passwords:
    """Hashes and verifies, a few at a time, outside of the event loop.

    The parameters are the second choice of RFC 9106, section 4, argon2-cffi's default.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._nobodys = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, _normal(password))

    async def verifies(self, password: str, hashed: str | None) -> bool:
        """Compare; None is of nobody, and takes as long to be told wrong."""
        async with self._turns:
            is_right = await asyncio.to_thread(
                self._verifies, _normal(password), hashed or self._nobodys
            )
        return is_right and hashed is not None

    def _verifies(self, password: str, hashed: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except VerificationError:
            return False


def _normal(password: str) -> str:
    """Write it one way, however a keyboard composes it (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)
