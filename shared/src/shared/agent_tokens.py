"""What an agent says to prove itself: random, stored only as a hash."""

import hashlib
import re
import secrets

__all__ = ["hash_token", "is_token", "new_token"]

_RANDOM_BYTES = 32
_TOKEN = re.compile(rf"agt_[0-9a-f]{{{2 * _RANDOM_BYTES}}}", re.ASCII)


def new_token() -> str:
    """Make a token of 256 random bits; it matches `[A-Za-z0-9_]+`."""
    return f"agt_{secrets.token_hex(_RANDOM_BYTES)}"


def is_token(text: str) -> bool:
    return _TOKEN.fullmatch(text) is not None


def hash_token(token: str) -> bytes:
    """Hash with SHA-256; a token is random, so nothing slower is needed."""
    return hashlib.sha256(token.encode()).digest()
