"""Leases: a signed question for a plaintext, and an answer that its asker alone opens.

Both sides of it: what the credentials service makes of a plaintext, and how whoever
asked makes sure that it is the pinned service's answer to this very question.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic
from uuid import UUID

from .bus import Bus
from .contracts.base import Endpoint, Message, MessageT, Signed
from .contracts.leasing import SealedLease, lease_binding_of, reply_purpose_of
from .errors import LeaseRefusedError
from .identity import Identity, PublicIdentity
from .sealing import SealBrokenError, SealingKey, seal
from .signing import sign, signed_bytes

__all__ = ["LeaseAsker", "LeaseSealer", "Leased"]

_NONCE_BYTES = 24


@dataclass(frozen=True, slots=True)
class Leased(Generic[MessageT]):
    """A plaintext in this process's memory, and until when we may hold it."""

    id: UUID
    plaintext: MessageT
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class LeaseAsker(Generic[MessageT]):
    """Asks *endpoint* in the name of *identity*; believes *credentials* alone."""

    bus: Bus
    identity: Identity
    credentials: PublicIdentity
    endpoint: Endpoint[Signed, SealedLease]
    purpose: str
    plaintext: type[MessageT]

    async def obtain(
        self, request_of: Callable[[bytes, bytes], Message]
    ) -> Leased[MessageT]:
        """Ask with a fresh public key and nonce, of which *request_of* makes a request.

        Raises `LeaseRefusedError`, also when the answer is not the pinned service's,
        and what the credentials service raises.
        """
        key = SealingKey.generate()
        request = request_of(key.public_key, secrets.token_bytes(_NONCE_BYTES))
        signed = sign(request, purpose=self.purpose, by=self.identity)
        reply = await self.bus.ask(self.endpoint, signed)
        plaintext = self._opened(reply, signed.body, key)
        return Leased(reply.lease_id, plaintext, reply.expires_at)

    def _opened(self, reply: SealedLease, body: bytes, key: SealingKey) -> MessageT:
        words = signed_bytes(reply_purpose_of(self.purpose), body, reply.sealed)
        if not self.credentials.verifies(reply.signature, words):
            raise LeaseRefusedError(
                "The lease was not signed by the credentials service."
            )
        try:
            plain = key.open(reply.sealed, info=lease_binding_of(self.purpose, body))
        except SealBrokenError as error:
            raise LeaseRefusedError(
                "The lease was sealed for another question."
            ) from error
        return self.plaintext.model_validate_json(plain)


@dataclass(frozen=True, slots=True)
class LeaseSealer:
    """Seals what requests signed for *purpose* ask for, in the name of *identity*."""

    identity: Identity
    purpose: str

    def sealed(
        self,
        plaintext: Message,
        *,
        asked: Signed,
        to: bytes,
        lease_id: UUID,
        expires_at: datetime,
    ) -> SealedLease:
        """Seal *plaintext* to the public key *to* that *asked* holds."""
        sealed = seal(
            plaintext.model_dump_json().encode(),
            to=to,
            info=lease_binding_of(self.purpose, asked.body),
        )
        words = signed_bytes(reply_purpose_of(self.purpose), asked.body, sealed)
        return SealedLease(
            lease_id=lease_id,
            expires_at=expires_at,
            sealed=sealed,
            signature=self.identity.sign(words),
        )
