"""What a call proves its agent with, hashed: what is kept of it is no secret."""

import hashlib
from dataclasses import dataclass
from typing import Self

from shared.agent_tokens import hash_token

__all__ = ["Proof", "hash_key"]


@dataclass(frozen=True, slots=True)
class Proof:
    """The hash of a token, and that of the key beside a token in the address."""

    token: bytes
    key: bytes | None

    @classmethod
    def given(cls, *, key: str, url_token: str | None) -> Self:
        if url_token is None:
            return cls(hash_token(key), None)
        return cls(hash_token(url_token), hash_key(key))


def hash_key(key: str) -> bytes:
    """Hash a provider's key, as it is kept to be recognized."""
    return hashlib.sha256(key.encode()).digest()
