"""Whether a provider's credential can be used right now; if not, why, and the fix.

Pure. The errors carry an `Explanation`, which agents pass on with every message that
they only acknowledge.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from shared.contracts.base import Explanation
from shared.errors import (
    CredentialsExpiredError,
    CredentialsMissingError,
    ProviderNotReadyError,
    RoleRefusedError,
)

__all__ = ["no_ambient_identity", "require_ready", "role_refused"]


class _Words(NamedTuple):
    cause: str
    fix: str


_CODES_OF_STS = {
    "AccessDenied": "ACCESS_DENIED",
    "AccessDeniedException": "ACCESS_DENIED",
    "ExpiredToken": "CREDENTIALS_EXPIRED",
    "ExpiredTokenException": "CREDENTIALS_EXPIRED",
    "IncompleteSignature": "INVALID_CREDENTIALS",
    "InvalidClientTokenId": "INVALID_CREDENTIALS",
    "MissingAuthenticationToken": "INVALID_CREDENTIALS",
    "NoCredentials": "INVALID_CREDENTIALS",
    "SignatureDoesNotMatch": "INVALID_CREDENTIALS",
    "UnrecognizedClientException": "INVALID_CREDENTIALS",
    "RegionDisabledException": "INVALID_CONFIGURATION",
    "ValidationError": "INVALID_CONFIGURATION",
}
"""Source: STS, "Common errors", and the service model sts/2011-06-15 of botocore."""

_WORDS_OF_CODES = {
    "ACCESS_DENIED": _Words(
        cause="The role's trust policy does not let this caller assume it, asks for "
        "another external id, or the caller may not call sts:AssumeRole.",
        fix="Let the trust policy name the caller and the external id {external_id}, "
        "and allow the caller sts:AssumeRole on the role.",
    ),
    "CREDENTIALS_EXPIRED": _Words(
        cause="The credentials that assume the role have expired.",
        fix="Update the provider with fresh ones.",
    ),
    "INVALID_CREDENTIALS": _Words(
        cause="AWS does not know the credentials that assume the role, or their secret "
        "key or session token is wrong.",
        fix="Check the key pair of the provider (and the clock of this machine).",
    ),
    "INVALID_CONFIGURATION": _Words(
        cause="AWS cannot assume the role as it is configured.",
        fix="Check the role's ARN, its maximum session duration (an hour or more) and "
        "that AWS STS is active in the provider's region.",
    ),
}
_OTHER_WORDS = _Words(
    cause="AWS STS refuses to assume the role.",
    fix="Look the error up in the AWS documentation of AssumeRole.",
)


def require_ready(
    name: str,
    *,
    missing: Sequence[str],
    expires_at: datetime | None,
    now: datetime,
) -> None:
    """Raise `CredentialsMissingError` or `CredentialsExpiredError`."""
    if missing:
        raise _missing(name, missing)
    if expires_at is not None and expires_at <= now:
        raise _expired(name, expires_at)


def no_ambient_identity(name: str) -> ProviderNotReadyError:
    return _not_ready(
        CredentialsMissingError,
        Explanation(
            code=CredentialsMissingError.code,
            message=f'The provider "{name}" has a role, but no credentials for it.',
            cause="The key pair that assumes the role is missing, and this "
            "installation does not lend its own AWS identity.",
            fix="Give the provider aws_access_key_id and aws_secret_access_key, or "
            "have AG2TRUST_CREDENTIALS_ALLOW_AMBIENT_AWS_IDENTITY set.",
            retryable=False,
        ),
    )


def role_refused(
    name: str, *, sts_error: str, external_id: str
) -> ProviderNotReadyError:
    """Explain why STS refuses, by its own name for it (*sts_error*)."""
    code = _CODES_OF_STS.get(sts_error, RoleRefusedError.code)
    words = _WORDS_OF_CODES.get(code, _OTHER_WORDS)
    return _not_ready(
        RoleRefusedError,
        Explanation(
            code=code,
            provider_error=sts_error,
            message=f'AWS does not let us assume the role of the provider "{name}".',
            cause=words.cause,
            fix=words.fix.format(external_id=external_id),
            retryable=True,
        ),
    )


def _missing(name: str, missing: Sequence[str]) -> ProviderNotReadyError:
    names = ", ".join(missing)
    return _not_ready(
        CredentialsMissingError,
        Explanation(
            code=CredentialsMissingError.code,
            message=f'The provider "{name}" is incomplete: {names} missing.',
            cause="Required fields of the provider were never given.",
            fix=f"Update the provider with {names}; its agents then go to work by "
            "themselves.",
            retryable=False,
        ),
    )


def _expired(name: str, expires_at: datetime) -> ProviderNotReadyError:
    at = expires_at.strftime("%Y-%m-%d %H:%M:%S UTC")
    return _not_ready(
        CredentialsExpiredError,
        Explanation(
            code=CredentialsExpiredError.code,
            message=f'The temporary credentials of "{name}" expired at {at}.',
            cause="AWS session tokens end after 15 minutes to 36 hours.",
            fix="Update the provider with fresh credentials; its agents then go on by "
            "themselves.",
            retryable=False,
        ),
    )


def _not_ready(
    kind: type[ProviderNotReadyError], explanation: Explanation
) -> ProviderNotReadyError:
    return kind(
        explanation.message,
        details={"explanation": explanation.model_dump(mode="json")},
    )
