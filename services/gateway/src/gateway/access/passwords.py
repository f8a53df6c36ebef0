"""Passwords: hashed with Argon2id, compared without telling who has one."""

import asyncio
import os
import unicodedata
from base64 import b64encode

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from argon2.low_level import ARGON2_VERSION

__all__ = ["Passwords"]

_AT_ONCE = 2  # each takes 64 MiB and a core


class Passwords:
    """Hashes and verifies, a few at a time, outside of the event loop.

    The parameters are the second choice of RFC 9106, section 4, argon2-cffi's default.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._nobodys = _of_no_password(self._hasher)

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


def _of_no_password(hasher: PasswordHasher) -> str:
    """Write what *hasher* might have made of a password that nobody knows.

    To compare with it takes as long as with any; to make one would, too, at each start.
    """
    salt, digest = map(_random, (hasher.salt_len, hasher.hash_len))
    costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v={ARGON2_VERSION}${costs}${salt}${digest}"


def _random(length: int) -> str:
    return b64encode(os.urandom(length)).decode().rstrip("=")


def _normal(password: str) -> str:
    """Write it one way, however a keyboard composes it (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)
