"""AES-256-GCM with a fresh nonce in front: the one cipher of this service.

A sealed value is the nonce (12 bytes), the ciphertext and the tag (16 bytes).
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["decrypt", "encrypt"]

_NONCE_BYTES = 12
_TAG_BYTES = 16


def encrypt(key: bytes, plaintext: bytes, *, associated_data: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, associated_data)


def decrypt(key: bytes, sealed: bytes, *, associated_data: bytes) -> bytes:
    """Raise `InvalidTag` if any bit of key, value or associated data is another."""
    if len(sealed) < _NONCE_BYTES + _TAG_BYTES:
        raise InvalidTag
    nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    return AESGCM(key).decrypt(nonce, ciphertext, associated_data)
