"""What every lease of the credentials service has in common, on both of its sides.

A request is signed for a *purpose* of its own; the reply is sealed to the key in the
request, and signed for the purpose that follows from the request's.
"""

import hashlib
from uuid import UUID

from pydantic import AwareDatetime

from .base import Bytes, Message

__all__ = ["SealedLease", "lease_binding_of", "reply_purpose_of"]


def reply_purpose_of(purpose: str) -> str:
    """Name what the credentials service signs a reply for."""
    return f"{purpose}.reply"


def lease_binding_of(purpose: str, request_body: bytes) -> bytes:
    """Make the HPKE `info` of a lease: it opens as the answer to this request only.

    *request_body* is the signed one, byte for byte.
    """
    return f"{purpose}/{hashlib.sha256(request_body).hexdigest()}".encode()


class SealedLease(Message):
    """A plaintext, *sealed* to the request's key under `lease_binding_of` the request.

    *signature* is the credentials service's, over
    `signed_bytes(reply_purpose_of(purpose), request_body, sealed)`.
    """

    lease_id: UUID
    expires_at: AwareDatetime
    sealed: Bytes
    signature: Bytes
