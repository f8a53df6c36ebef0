"""Signed questions: words that prove which enrolled process said them.

The signature covers a purpose besides the body, so that words signed for one question
cannot be presented as the answer to another.

The key that signs here also signs the nonce of every NATS server it logs in to, and
that server chooses the nonce. So what we sign begins with a byte that no nonce can
hold: nonces are text, and 0xFF occurs in no UTF-8 (RFC 3629, section 1).
"""

from .contracts.base import Message, MessageT, Signed
from .identity import Identity, PublicIdentity

__all__ = ["SignatureBrokenError", "sign", "signed_bytes", "verify"]

_NOT_A_NONCE = b"\xff"


class SignatureBrokenError(Exception):
    """The words were not signed by whom they claim, or were changed since."""


def sign(message: Message, *, purpose: str, by: Identity) -> Signed:
    """Sign *message* for *purpose*: for another the signature counts for nothing."""
    body = message.model_dump_json().encode()
    return Signed(
        signer=by.public.nkey,
        body=body,
        signature=by.sign(signed_bytes(purpose, body)),
    )


def verify(
    signed: Signed, kind: type[MessageT], *, purpose: str, of: PublicIdentity
) -> MessageT:
    """Read what *of* signed for *purpose*; a body off its shape is refused too."""
    message = signed_bytes(purpose, signed.body)
    if signed.signer != of.nkey or not of.verifies(signed.signature, message):
        raise SignatureBrokenError("the signature does not fit")
    try:
        return kind.model_validate_json(signed.body)
    except ValueError as error:
        raise SignatureBrokenError("the signed words cannot be read") from error


def signed_bytes(purpose: str, *parts: bytes) -> bytes:
    """Join the purpose and each part, each with its length before it."""
    pieces = [purpose.encode(), *parts]
    return _NOT_A_NONCE + b"".join(
        len(piece).to_bytes(4, "big") + piece for piece in pieces
    )
