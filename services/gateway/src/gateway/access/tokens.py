"""Secrets that we make and know again by their hash: keys, links, sessions.

They are long and random, so SHA-256 is enough, and finding one by its hash takes the
same time whatever was guessed.
"""

import hashlib
import secrets
import string

__all__ = ["hash_of", "new_key", "new_token"]

_ALPHABET = string.ascii_letters + string.digits
_KEY_CHARACTERS = 40  # 238 bits
_TOKEN_BYTES = 32


def new_key() -> str:
    """Make an API key."""
    random = (secrets.choice(_ALPHABET) for _ in range(_KEY_CHARACTERS))
    return "cust_" + "".join(random)


def new_token() -> str:
    """Make what a link or a cookie carries."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def hash_of(secret: str) -> bytes:
    """Hash what a key, link or cookie holds; of one that is no text, its bytes."""
    return hashlib.sha256(secret.encode(errors="surrogateescape")).digest()
