"""Who may ask Bedrock: holders of a key pair, by their signature, and of a bearer key.

Names of the refusals: AWS's "Common Errors" and answers seen in public bug reports.
"""

import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from ag2trust_sandbox.key_pair import KeyPair
from ag2trust_sandbox.keys import bearer_key
from ag2trust_sandbox.refusal import RefusalError
from ag2trust_sandbox.script import ErrorDetail, Step

from .signature import Authorization, SignedRequest, signature

__all__ = ["CredentialsCheck"]

_SERVICE: Final = "bedrock"
_DEFAULT_REGION: Final = "us-east-1"
_TIME_FORMAT: Final = "%Y%m%dT%H%M%SZ"
_TOLERANCE: Final = timedelta(minutes=5)


class CredentialsCheck:
    """`key_pairs` are found by their access key id, `accepts_key` knows bearer keys."""

    def __init__(
        self,
        *,
        key_pairs: Mapping[str, KeyPair],
        accepts_key: Callable[[str], bool],
    ) -> None:
        self._key_pairs = key_pairs
        self._accepts_key = accepts_key

    def check(self, request: SignedRequest, *, now: datetime) -> str:
        """Return the region asked; raises `RefusalError` as AWS refuses.

        A bearer key says no region: it is taken for us-east-1.
        """
        header = request.headers.get("authorization")
        if header is None:
            raise _refusal(
                403,
                "MissingAuthenticationTokenException",
                "Missing Authentication Token",
            )
        key = bearer_key(request.headers)
        if key is None:
            return self._check_signature(request, header, now=now)
        if not self._accepts_key(key):
            raise _refusal(
                403,
                "AccessDeniedException",
                "Authentication failed: Please make sure your API Key is valid.",
            )
        return _DEFAULT_REGION

    def _check_signature(
        self, request: SignedRequest, header: str, *, now: datetime
    ) -> str:
        try:
            authorization = Authorization.parse(header)
        except ValueError as error:
            raise _refusal(400, "IncompleteSignatureException", str(error)) from None
        pair = self._pair_of(request, authorization, now=now)
        _check_form(request, authorization, now=now)
        expected = signature(request, authorization, pair.secret_access_key)
        if not hmac.compare_digest(expected, authorization.signature):
            raise _invalid(
                "The request signature we calculated does not match the signature you "
                "provided. Check your AWS Secret Access Key and signing method."
            )
        return authorization.region

    def _pair_of(
        self, request: SignedRequest, authorization: Authorization, *, now: datetime
    ) -> KeyPair:
        pair = self._key_pairs.get(authorization.access_key_id)
        token = request.headers.get("x-amz-security-token")
        if pair is None or pair.session_token != token:
            raise _refusal(
                403,
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            )
        if pair.expires_at is not None and pair.expires_at <= now:
            raise _refusal(
                403,
                "ExpiredTokenException",
                "The security token included in the request is expired",
            )
        return pair


def _check_form(
    request: SignedRequest, authorization: Authorization, *, now: datetime
) -> None:
    """Check all that a right signature alone does not prove."""
    if authorization.service != _SERVICE:
        raise _invalid(f"Credential should be scoped to correct service: '{_SERVICE}'.")
    unsigned = _must_be_signed(request) - set(authorization.signed_headers)
    if unsigned:
        names = ", ".join(sorted(unsigned))
        raise _invalid(f"These headers must be signed: {names}.")
    announced_hash = request.headers.get("x-amz-content-sha256", request.body_hash)
    if announced_hash != request.body_hash:
        raise _invalid("X-Amz-Content-SHA256 is not the hash of the body.")
    _check_time(request, authorization, now=now)


def _must_be_signed(request: SignedRequest) -> set[str]:
    return {"host", *(name for name in request.headers if name.startswith("x-amz-"))}


def _check_time(
    request: SignedRequest, authorization: Authorization, *, now: datetime
) -> None:
    try:
        time = datetime.strptime(request.time, _TIME_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        raise _refusal(
            400,
            "IncompleteSignatureException",
            "X-Amz-Date must be a date in ISO 8601.",
        ) from None
    if not request.time.startswith(f"{authorization.date}T"):
        raise _invalid("Date in Credential scope does not match X-Amz-Date.")
    if abs(now - time) > _TOLERANCE:
        raise _invalid(f"Signature expired or not yet current: {request.time}.")


def _invalid(message: str) -> RefusalError:
    return _refusal(403, "InvalidSignatureException", message)


def _refusal(status: int, name: str, message: str) -> RefusalError:
    detail = ErrorDetail(type=name, message=message)
    return RefusalError(Step(status=status, error=detail))
