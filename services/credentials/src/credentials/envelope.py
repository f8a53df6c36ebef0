"""Envelope encryption: each version of a secret under a data key of its own.

Pure: no I/O, no log. The bytes of `encrypted_key`, format 1:

    offset  length  content
    0       1       format, 0x01
    1       32      commitment to the data key
    33      12      nonce
    45      n + 16  AES-256-GCM ciphertext of the secret, and its tag

The data key (32 bytes) is used for this one value. HKDF-SHA-256 (RFC 5869, no salt)
makes of it the encryption key and the commitment. AES-GCM does not commit to its key,
so the commitment is compared first: another key is told from a changed ciphertext.
The associated data is the context's canonical encoding, which also binds the wrapped
data key (`master_key`).

Python cannot wipe `bytes`: keys and plaintexts are kept briefly and referenced by
nothing afterwards, no more is promised.
"""

import hmac
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.errors import (
    CredentialTamperedError,
    CredentialUnreadableError,
    CredentialWrongKeyError,
)

from . import aes_gcm

__all__ = [
    "Binding",
    "Context",
    "McpServerContext",
    "SealedSecret",
    "WebhookContext",
    "seal",
    "unseal",
]

_FORMAT = b"\x01"
_COMMITMENT_BYTES = 32
_ENCRYPTION_INFO = b"ag2trust.v1.envelope.encryption"
_COMMITMENT_INFO = b"ag2trust.v1.envelope.commitment"


class Binding(ABC):
    """What a secret is bound to.

    Never stored: it is rebuilt from the columns of the secret's own row, so that a
    secret whose row was changed, or that was moved to another row, does not open.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def owner(self) -> str:
        """Name whose secret it is, for sentences."""

    @abstractmethod
    def pairs(self) -> dict[str, str]:
        """Write as the encryption context of a key management service."""

    def canonical(self) -> bytes:
        """Encode as JSON of strings: keys sorted, no spaces, ASCII."""
        text = json.dumps(self.pairs(), sort_keys=True, separators=(",", ":"))
        return text.encode("ascii")


@dataclass(frozen=True, slots=True)
class Context(Binding):
    """What the secret of a provider is bound to; *origin* is that of its base URL."""

    org_id: UUID
    provider_id: UUID
    version: int
    origin: str

    @property
    def owner(self) -> str:
        return f"provider {self.provider_id}"

    def pairs(self) -> dict[str, str]:
        return {
            "service": "credentials",
            "organization": str(self.org_id),
            "provider": str(self.provider_id),
            "version": str(self.version),
            "origin": self.origin,
        }


@dataclass(frozen=True, slots=True)
class WebhookContext(Binding):
    """What the secret of a webhook is bound to; *origin* is that of its URL."""

    org_id: UUID
    webhook_id: UUID
    origin: str

    @property
    def owner(self) -> str:
        return f"webhook {self.webhook_id}"

    def pairs(self) -> dict[str, str]:
        return {
            "service": "credentials",
            "organization": str(self.org_id),
            "webhook": str(self.webhook_id),
            "origin": self.origin,
        }


@dataclass(frozen=True, slots=True)
class McpServerContext(Binding):
    """What the token of an MCP server is bound to; *origin* is that of its URL.

    *version* is that of the server when it was given the token.
    """

    org_id: UUID
    server_id: UUID
    version: int
    origin: str

    @property
    def owner(self) -> str:
        return f"MCP server {self.server_id}"

    def pairs(self) -> dict[str, str]:
        return {
            "service": "credentials",
            "organization": str(self.org_id),
            "mcp_server": str(self.server_id),
            "version": str(self.version),
            "origin": self.origin,
        }


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """All that is stored of a secret's plaintext and its data key.

    *encrypted_key* is laid out above; *encrypted_dek* is the data key as the master key
    *master_key_id* wrapped it.
    """

    encrypted_key: bytes
    encrypted_dek: bytes
    master_key_id: str


def seal(plaintext: bytes, *, data_key: bytes, context: Binding) -> bytes:
    """Seal *plaintext* under *data_key*, which must never be used again."""
    encryption_key, commitment = _derived(data_key)
    sealed = aes_gcm.encrypt(
        encryption_key, plaintext, associated_data=context.canonical()
    )
    return _FORMAT + commitment + sealed


def unseal(encrypted_key: bytes, *, data_key: bytes, context: Binding) -> bytes:
    """Open what `seal` made for the same *context*.

    Raises `CredentialWrongKeyError` for another data key, `CredentialTamperedError`
    for a changed value or context, `CredentialUnreadableError` for an unknown format.
    """
    stored_format, rest = encrypted_key[:1], encrypted_key[1:]
    if stored_format != _FORMAT:
        raise CredentialUnreadableError(
            f"The stored secret of {context.owner} has an unknown format."
        )
    encryption_key, commitment = _derived(data_key)
    if not hmac.compare_digest(rest[:_COMMITMENT_BYTES], commitment):
        raise CredentialWrongKeyError(
            f"The stored secret of {context.owner} was sealed under "
            "another data key than the one stored beside it."
        )
    try:
        return aes_gcm.decrypt(
            encryption_key,
            rest[_COMMITMENT_BYTES:],
            associated_data=context.canonical(),
        )
    except InvalidTag as error:
        raise CredentialTamperedError(
            f"The stored secret of {context.owner}, or what it is bound "
            "to, was changed since it was sealed."
        ) from error


def _derived(data_key: bytes) -> tuple[bytes, bytes]:
    """Make the encryption key and the commitment."""
    return _hkdf(data_key, _ENCRYPTION_INFO), _hkdf(data_key, _COMMITMENT_INFO)


def _hkdf(data_key: bytes, info: bytes) -> bytes:
    return HKDF(hashes.SHA256(), length=32, salt=None, info=info).derive(data_key)
