"""What the gateway submits: opened here, and told from a repeat without keeping it."""

import hmac
import json
from typing import TypeVar

from pydantic import ValidationError

from shared.contracts.base import Message
from shared.errors import InvalidError, MalformedError
from shared.http import fields_of
from shared.identity import Identity
from shared.sealing import SealBrokenError

__all__ = ["Submissions", "SubmittedT"]

SubmittedT = TypeVar("SubmittedT", bound=Message)

_FINGERPRINT_KEY = "submission-fingerprint"


class Submissions:
    """Submissions are sealed to *identity*, each for the object of its binding."""

    def __init__(self, identity: Identity) -> None:
        self._sealing_key = identity.sealing_key
        self._fingerprint_key = identity.derive_key(_FINGERPRINT_KEY)

    def opened(
        self, sealed: bytes, kind: type[SubmittedT], *, binding: bytes
    ) -> SubmittedT:
        """Raise `MalformedError` if it does not open, `InvalidError` if it is wrong."""
        try:
            words = self._sealing_key.open(sealed, info=binding)
        except SealBrokenError as error:
            raise MalformedError(
                "The submission was sealed to another service or for another object."
            ) from error
        try:
            return kind.model_validate_json(words)
        except ValidationError as error:
            raise InvalidError(
                "The submission has invalid fields.",
                details={"fields": fields_of(error)},
            ) from None

    def fingerprint(self, submission: Message, *, binding: bytes) -> bytes:
        """Hash a submission with a key of ours: whoever reads it can try no secrets."""
        words = json.dumps(submission.model_dump(mode="json"), sort_keys=True)
        message = binding + b"\0" + words.encode()
        return hmac.digest(self._fingerprint_key, message, "sha256")
