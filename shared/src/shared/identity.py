"""Who a process is: one Ed25519 key, which is also its NATS nkey.

From the same seed comes an X25519 key to which others seal what only this process may
read. Deployment tells each process its own seed and the public identities of those it
must trust; none is ever learned from the bus.
"""

import base64
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

import nkeys
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .sealing import SealingKey

__all__ = ["Identity", "IdentityFileError", "PublicIdentity", "nkey_of"]

_SEALING_KEY = "sealing-key"
_NKEY_BYTES = 35  # prefix byte, 32 bytes of key, CRC-16 (nats-io ADR-7)


class IdentityFileError(Exception):
    """The file of an identity cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class PublicIdentity:
    """What others know of a process: its nkey and the key to seal to.

    Written as `U<nkey>.<base64url of the X25519 key>`, one word in a setting.
    """

    nkey: str
    sealing_key: bytes

    @classmethod
    def parse(cls, text: str) -> "PublicIdentity":
        """Raise ValueError if *text* is not a public identity, to the letter."""
        nkey, _, sealing_key = text.strip().partition(".")
        _verifying_key(nkey)
        decoded = base64.urlsafe_b64decode(sealing_key + "=" * (-len(sealing_key) % 4))
        if len(decoded) != 32:  # noqa: PLR2004 - the length of an X25519 key
            raise ValueError("a sealing key has 32 bytes")
        identity = cls(nkey=nkey, sealing_key=decoded)
        if str(identity) != text.strip():  # base64 skips what it does not know
            raise ValueError("a sealing key is base64url without padding")
        return identity

    def __str__(self) -> str:
        sealing_key = base64.urlsafe_b64encode(self.sealing_key).decode().rstrip("=")
        return f"{self.nkey}.{sealing_key}"

    def verifies(self, signature: bytes, message: bytes) -> bool:
        try:
            _verifying_key(self.nkey).verify(signature, message)
        except InvalidSignature:
            return False
        return True


class Identity:
    """The private side: signs, opens what was sealed to it, logs in to NATS."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._signing_key = Ed25519PrivateKey.from_private_bytes(seed)
        self.sealing_key = SealingKey.from_private_bytes(self.derive_key(_SEALING_KEY))
        self.public = PublicIdentity(
            nkey=nkey_of(self._signing_key.public_key()),
            sealing_key=self.sealing_key.public_key,
        )

    @classmethod
    def generate(cls) -> "Identity":
        return cls(Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def from_nkey_seed(cls, text: str) -> "Identity":
        """Read a user seed (`SU…`); a ValueError never quotes what was given."""
        try:
            prefix, seed = nkeys.decode_seed(text.strip().encode())
        except (nkeys.NkeysError, ValueError):
            raise ValueError("not an nkey seed") from None
        if prefix != nkeys.PREFIX_BYTE_USER:
            raise ValueError("not the seed of a user")
        identity = cls(bytes(seed))
        if identity.nkey_seed != text.strip():  # `decode_seed` does not look at it
            raise ValueError("the seed's checksum does not fit")
        return identity

    @classmethod
    def from_file(cls, path: Path) -> "Identity":
        """Read a seed file, which nobody but its owner may read."""
        try:
            with path.open(encoding="ascii") as file:
                mode = os.fstat(file.fileno()).st_mode
                text = file.read()
        except (OSError, UnicodeDecodeError):
            raise IdentityFileError(f"{path} cannot be read") from None
        if stat.S_IMODE(mode) & 0o077:
            raise IdentityFileError(f"{path} is readable by others; make it mode 0600")
        try:
            return cls.from_nkey_seed(text)
        except ValueError as error:
            raise IdentityFileError(f"{path} holds no nkey seed: {error}") from None

    @property
    def nkey_seed(self) -> str:
        """The secret itself (`SU…`), for the NATS client and for writing the file."""
        encoded: bytes = nkeys.encode_seed(self._seed, nkeys.PREFIX_BYTE_USER)
        return encoded.decode()

    def derive_key(self, purpose: str) -> bytes:
        """Make 32 bytes known to this identity alone, others for each *purpose*."""
        info = f"ag2trust.v1.{purpose}".encode()
        salt = hashlib.sha256(info).digest()
        return HKDF(hashes.SHA256(), length=32, salt=salt, info=info).derive(self._seed)

    def sign(self, message: bytes) -> bytes:
        return self._signing_key.sign(message)

    def __repr__(self) -> str:
        return f"Identity({self.public.nkey})"


def nkey_of(key: Ed25519PublicKey) -> str:
    """Encode a public key as a user nkey: base32 of prefix, key and CRC-16."""
    payload = bytes([nkeys.PREFIX_BYTE_USER]) + key.public_bytes_raw()
    checksum = nkeys.crc16(bytearray(payload)).to_bytes(2, "little")
    return base64.b32encode(payload + checksum).decode().rstrip("=")


def _verifying_key(nkey: str) -> Ed25519PublicKey:
    decoded = base64.b32decode(nkey + "=" * (-len(nkey) % 8))
    if len(decoded) != _NKEY_BYTES or decoded[0] != nkeys.PREFIX_BYTE_USER:
        raise ValueError("not the nkey of a user")
    key = Ed25519PublicKey.from_public_bytes(decoded[1:33])
    if nkey_of(key) != nkey:
        raise ValueError("the nkey's checksum does not fit")
    return key
