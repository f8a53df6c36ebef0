"""The master key of one machine: a file that its owner alone may read."""

import hashlib
import os
import re
import stat
from pathlib import Path

from cryptography.exceptions import InvalidTag

from credentials import aes_gcm
from credentials.envelope import Binding
from shared.errors import (
    CredentialTamperedError,
    CredentialWrongKeyError,
    MasterKeyUnavailableError,
)

from .master_key import DataKey, WrappedKey

__all__ = ["LocalMasterKey"]

_DATA_KEY_BYTES = 32
_KEY_TEXT = re.compile(r"[0-9a-fA-F]{64}")
_FINGERPRINT_LABEL = b"ag2trust.v1.local-master-key"


class LocalMasterKey:
    """Wraps data keys with AES-256-GCM, the canonical context as associated data.

    *key_id* is a fingerprint: it tells keys apart and gives none away.
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

    async def current_key_id(self) -> str:
        return self.key_id

    async def generate_data_key(self, context: Binding) -> DataKey:
        plaintext = os.urandom(_DATA_KEY_BYTES)
        return DataKey(plaintext, await self.wrap(plaintext, context))

    async def wrap(self, data_key: bytes, context: Binding) -> WrappedKey:
        wrapped = aes_gcm.encrypt(
            self._key, data_key, associated_data=context.canonical()
        )
        return WrappedKey(wrapped, self.key_id)

    async def unwrap(self, wrapped: WrappedKey, context: Binding) -> bytes:
        if wrapped.key_id != self.key_id:
            raise CredentialWrongKeyError(
                f"The data key of {context.owner} is wrapped by the "
                f"master key {wrapped.key_id}; this service has {self.key_id}."
            )
        try:
            return aes_gcm.decrypt(
                self._key, wrapped.wrapped, associated_data=context.canonical()
            )
        except InvalidTag as error:
            raise CredentialTamperedError(
                f"The data key of {context.owner}, or what it is bound "
                "to, was changed since it was wrapped."
            ) from error

    async def rewrap(self, wrapped: WrappedKey, context: Binding) -> WrappedKey:
        return await self.wrap(await self.unwrap(wrapped, context), context)

    def __repr__(self) -> str:
        return f"LocalMasterKey({self.key_id})"
