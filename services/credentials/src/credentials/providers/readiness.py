"""Whether a provider's credential can be used right now; if not, why, and the fix.

Pure. The errors carry an `Explanation`, which agents pass on with every message that
they only acknowledge.
"""

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus

from shared.contracts.base import Explanation
from shared.errors import (
    CredentialsExpiredError,
    CredentialsMissingError,
    ProviderNotReadyError,
    RoleRefusedError,
)
from shared.provider_errors.explaining import ERROR_TABLE
from shared.provider_errors.meanings import ACCESS_DENIED, INVALID_CREDENTIALS
from shared.provider_errors.rows import ErrorSource, Failure, Meaning

__all__ = ["no_ambient_identity", "require_ready", "role_refused"]


_NO_CREDENTIALS = "NoCredentials"  # our own name: the SDK found none to ask with
_OTHER = Meaning(
    RoleRefusedError.code,
    "AWS STS refuses to assume the role.",
    "Look the error up in the AWS documentation of AssumeRole.",
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
    """Explain why STS refuses, by its own name for it (*sts_error*).

    Worth trying again: policies and keys are mended at AWS, and nobody tells us.
    """
    meaning = _meaning(sts_error)
    fix = meaning.fix
    if meaning.code == ACCESS_DENIED.code:
        fix += f" The external id is {external_id}."
    return _not_ready(
        RoleRefusedError,
        Explanation(
            code=meaning.code,
            provider_error=sts_error,
            message=f'AWS does not let us assume the role of the provider "{name}".',
            cause=meaning.cause,
            fix=fix,
            retryable=True,
        ),
    )


def _meaning(sts_error: str) -> Meaning:
    """Find what STS means in the table of provider errors, by the name alone."""
    if sts_error == _NO_CREDENTIALS:
        return INVALID_CREDENTIALS
    refused = Failure(HTTPStatus.FORBIDDEN, names=(sts_error,))
    rows = ERROR_TABLE[ErrorSource.STS]
    return next((row.meaning for row in rows if row.fits(refused)), _OTHER)


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
