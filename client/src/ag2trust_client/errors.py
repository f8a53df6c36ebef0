"""What can go wrong, told apart by who has to act.

Ag2TrustError
 ├ UnreachableError               no gateway answered, or the answer broke off
 ├ UnexpectedAnswerError          what answered is no gateway of this version
 └ RefusedError                   the gateway said no: code, sentence, details
    ├ MalformedError         400
    ├ UnauthenticatedError   401
    ├ ForbiddenError         403
    ├ NotFoundError          404
    ├ ConflictError          409
    ├ StaleError             412  the object has changed since it was read
    ├ InvalidError           422  `fields` says where
    ├ LimitedError           429
    ├ UnavailableError       503
    └ FailedError            other 5xx
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

__all__ = [
    "Ag2TrustError",
    "ConflictError",
    "FailedError",
    "ForbiddenError",
    "InvalidError",
    "LimitedError",
    "MalformedError",
    "NotFoundError",
    "RefusedError",
    "StaleError",
    "UnauthenticatedError",
    "UnavailableError",
    "UnexpectedAnswerError",
    "UnreachableError",
    "refusal_from",
]


class Ag2TrustError(Exception):
    """The message is a sentence for people."""


class UnreachableError(Ag2TrustError):
    """What was asked may have been done all the same."""


class UnexpectedAnswerError(Ag2TrustError):
    """Look at the address: another program listens there, or another version."""


class RefusedError(Ag2TrustError):
    """*code* is stable and published; *details* depends on it.

    *request_id* names the request in the gateway's logs. *retry_after_seconds* is what
    the gateway asked for, None if nothing.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str,
        details: Mapping[str, Any],
        request_id: str,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.details = details
        self.request_id = request_id
        self.retry_after_seconds = retry_after_seconds


class MalformedError(RefusedError):
    """The request could not be read."""


class UnauthenticatedError(RefusedError):
    """The gateway does not know the key, or not any more."""


class ForbiddenError(RefusedError):
    """The key's role or scopes do not include this."""


class NotFoundError(RefusedError):
    """There is no such thing, or it is another organization's."""


class ConflictError(RefusedError):
    """The state of things is against it; the code says what."""


class StaleError(RefusedError):
    """The object is not any more what `if_match` named."""


class InvalidError(RefusedError):
    @property
    def fields(self) -> dict[str, str]:
        """Which fields are wrong, each with a sentence."""
        named = self.details.get("fields", [])
        return {each["field"]: each["message"] for each in named}


class LimitedError(RefusedError):
    """Too many requests."""


class UnavailableError(RefusedError):
    """Something that is needed does not answer; it was tried again in vain."""


class FailedError(RefusedError):
    """A mistake on the other side."""


def refusal_from(
    status: int, body: bytes, *, request_id: str, retry_after: str | None
) -> Ag2TrustError:
    """Make the error that an answer other than 2xx is."""
    try:
        told = json.loads(body)
        message, code, details = told["error"], told["error_code"], told["details"]
    except (ValueError, LookupError, TypeError):
        if status in _NO_GATEWAY_BEHIND:
            return UnreachableError(
                f"What stands before the gateway does not reach it ({status})."
            )
        return UnexpectedAnswerError(
            f"The answer, {status}, is not one that a gateway of Ag2Trust gives."
        )
    return _BY_STATUS.get(status, FailedError if status >= _FAILED else RefusedError)(
        message,
        status=status,
        code=code,
        details=details,
        request_id=request_id,
        retry_after_seconds=float(retry_after) if retry_after else None,
    )


_FAILED = HTTPStatus.INTERNAL_SERVER_ERROR
# What reverse proxies say of themselves (RFC 9110, sections 15.6.3 to 15.6.5).
_NO_GATEWAY_BEHIND = frozenset({502, 503, 504})
_BY_STATUS: dict[int, type[RefusedError]] = {
    400: MalformedError,
    401: UnauthenticatedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    412: StaleError,
    422: InvalidError,
    429: LimitedError,
    503: UnavailableError,
}
