"""Failures that the gateway raises."""

from .families import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnauthenticatedError,
)

__all__ = [
    "ApiKeyNotFoundError",
    "CrossSiteError",
    "IdempotencyKeyReusedError",
    "InvalidApiKeyError",
    "InvitationNotFoundError",
    "JobNotFoundError",
    "JobRunningError",
    "LoginRefusedError",
    "RequestInProgressError",
    "SessionEndedError",
    "SessionNotFoundError",
    "UserNotFoundError",
]


class InvalidApiKeyError(UnauthenticatedError):
    code = "INVALID_API_KEY"


class SessionEndedError(UnauthenticatedError):
    """A person was logged in and is not any more."""

    code = "SESSION_ENDED"


class LoginRefusedError(UnauthenticatedError):
    """No password that goes with this name."""

    code = "LOGIN_REFUSED"


class CrossSiteError(ForbiddenError):
    """A browser was made to ask this by another site's page."""

    code = "CROSS_SITE_REQUEST"


class ApiKeyNotFoundError(NotFoundError):
    code = "API_KEY_NOT_FOUND"


class UserNotFoundError(NotFoundError):
    code = "USER_NOT_FOUND"


class SessionNotFoundError(NotFoundError):
    code = "SESSION_NOT_FOUND"


class InvitationNotFoundError(NotFoundError):
    """A one-time link that was never made, was used, or is too old."""

    code = "INVITATION_NOT_FOUND"


class JobNotFoundError(NotFoundError):
    code = "JOB_NOT_FOUND"


class RequestInProgressError(ConflictError):
    """The first request with this `Idempotency-Key` has no answer yet."""

    code = "REQUEST_IN_PROGRESS"


class JobRunningError(ConflictError):
    """Another job works on the same thing; `details.job_id` says which."""

    code = "JOB_RUNNING"


class IdempotencyKeyReusedError(InvalidError):
    """An `Idempotency-Key` came with another request before."""

    code = "IDEMPOTENCY_KEY_REUSED"
