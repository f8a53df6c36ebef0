"""The master key: makes data keys, and unwraps them again.

It is asynchronous because a key management service is asked over the network.
"""

import hashlib
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag

from shared.errors import (
    CredentialTamperedError,
    CredentialWrongKeyError,
    MasterKeyUnavailableError,
)

from . import aes_gcm
from .envelope import Context

__all__ = ["DataKey", "LocalMasterKey", "MasterKey"]

_DATA_KEY_BYTES = 32
_KEY_TEXT = re.compile(r"[0-9a-fA-F]{64}")
_FINGERPRINT_LABEL = b"ag2trust.v1.local-master-key"


@dataclass(frozen=True, slots=True)
class DataKey:
    """A fresh data key (32 bytes), and the same as it may be stored."""

    plaintext: bytes = field(repr=False)
    wrapped: bytes
    key_id: str


class MasterKey(Protocol):
    """Wraps data keys, each bound to a context; never gives itself away."""

    async def generate_data_key(self, context: Context) -> DataKey:
        """Make a data key. Raises `MasterKeyUnavailableError`."""
        ...

    async def unwrap(self, wrapped: bytes, context: Context, key_id: str) -> bytes:
        """Return the data key that *key_id* wrapped for *context*.

        Raises `CredentialWrongKeyError` when *key_id* is another master key,
        `CredentialTamperedError` when *wrapped* or *context* is not what it was, and
        `MasterKeyUnavailableError` when the key cannot be asked right now.
        """
        ...


class LocalMasterKey:
    """A master key in a file of this machine.

    Data keys are wrapped with AES-256-GCM, the canonical context as associated data.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        fingerprint = hashlib.sha256(_FINGERPRINT_LABEL + key).hexdigest()[:16]
        self.key_id = f"local:{fingerprint}"

    @classmethod
    def from_file(cls, path: Path) -> "LocalMasterKey":
        """Read 64 hexadecimal digits from a file that only its owner may read."""
        try:
            with path.open(encoding="ascii") as file:
                mode = os.fstat(file.fileno()).st_mode
                text = file.read()
        except (OSError, UnicodeDecodeError) as error:
            raise MasterKeyUnavailableError(
                f"The master key file {path} cannot be read."
            ) from error
        if stat.S_IMODE(mode) & 0o077:
            raise MasterKeyUnavailableError(
                f"The master key file {path} is open to others; make it mode 0600."
            )
        if not _KEY_TEXT.fullmatch(text.strip()):
            raise MasterKeyUnavailableError(
                f"The master key file {path} does not hold 64 hexadecimal digits."
            )
        return cls(bytes.fromhex(text))

    async def generate_data_key(self, context: Context) -> DataKey:
        plaintext = os.urandom(_DATA_KEY_BYTES)
        wrapped = aes_gcm.encrypt(
            self._key, plaintext, associated_data=context.canonical()
        )
        return DataKey(plaintext, wrapped, self.key_id)

    async def unwrap(self, wrapped: bytes, context: Context, key_id: str) -> bytes:
        if key_id != self.key_id:
            raise CredentialWrongKeyError(
                f"The data key of provider {context.provider_id} is wrapped by the "
                f"master key {key_id}; this service has {self.key_id}."
            )
        try:
            return aes_gcm.decrypt(
                self._key, wrapped, associated_data=context.canonical()
            )
        except InvalidTag as error:
            raise CredentialTamperedError(
                f"The data key of provider {context.provider_id}, or what it is bound "
                "to, was changed since it was wrapped."
            ) from error

    def __repr__(self) -> str:
        return f"LocalMasterKey({self.key_id})"
