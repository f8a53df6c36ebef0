"""Sealing a few bytes to one reader: HPKE of RFC 9180, base mode, single shot.

Suite DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. A sealed value is the
encapsulated key (32 bytes) followed by the ciphertext. *info* binds it to what it was
made for: under any other it does not open.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import (
    X25519PrivateKey,
    X25519PublicKey,
)
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

__all__ = ["SealBrokenError", "SealingKey", "seal"]

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class SealBrokenError(Exception):
    """Sealed to another key, for another purpose, or changed on the way."""


class SealingKey:
    """A private X25519 key that opens what was sealed to its public half."""

    def __init__(self, key: X25519PrivateKey) -> None:
        self._key = key
        self.public_key = key.public_key().public_bytes_raw()

    @classmethod
    def generate(cls) -> "SealingKey":
        return cls(X25519PrivateKey.generate())

    @classmethod
    def from_private_bytes(cls, raw: bytes) -> "SealingKey":
        return cls(X25519PrivateKey.from_private_bytes(raw))

    def open(self, sealed: bytes, *, info: bytes) -> bytes:
        try:
            return _SUITE.decrypt(sealed, self._key, info)
        except (InvalidTag, ValueError) as error:
            raise SealBrokenError("the seal does not open") from error


def seal(plaintext: bytes, *, to: bytes, info: bytes) -> bytes:
    """Seal *plaintext* to the X25519 public key *to*.

    Raise ValueError if *to* has not 32 bytes or is one of the few points of low order,
    under which everybody could open the seal.
    """
    return _SUITE.encrypt(plaintext, X25519PublicKey.from_public_bytes(to), info)
