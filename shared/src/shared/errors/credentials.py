"""Failures that the credentials service raises."""

from .families import (
    AppError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnavailableError,
)

__all__ = [
    "BaseUrlForbiddenError",
    "CredentialTamperedError",
    "CredentialUnreadableError",
    "CredentialWrongKeyError",
    "CredentialsExpiredError",
    "CredentialsFrozenError",
    "CredentialsMissingError",
    "LeaseRefusedError",
    "MasterKeyUnavailableError",
    "McpServerGoneError",
    "McpServerInUseError",
    "McpServerNotFoundError",
    "McpUrlForbiddenError",
    "ProviderDisabledError",
    "ProviderGoneError",
    "ProviderInUseError",
    "ProviderIncompleteError",
    "ProviderNotFoundError",
    "ProviderNotReadyError",
    "ProviderRetiringError",
    "RoleRefusedError",
    "SecretOvertakenError",
    "SecretRequiredError",
    "StaleGenerationError",
    "StsUnavailableError",
    "WebhookUrlForbiddenError",
]


class CredentialUnreadableError(AppError):
    """A stored secret does not open; trying again does not help."""

    code = "CREDENTIAL_UNREADABLE"


class CredentialTamperedError(CredentialUnreadableError):
    """A stored secret, or what it is bound to, was changed since it was sealed."""

    code = "CREDENTIAL_TAMPERED"


class CredentialWrongKeyError(CredentialUnreadableError):
    """A stored secret was sealed under another key than the one at hand."""

    code = "CREDENTIAL_WRONG_KEY"


class CredentialsFrozenError(ForbiddenError):
    """No secret is opened until an owner unfreezes the installation."""

    code = "CREDENTIALS_FROZEN"


class LeaseRefusedError(ForbiddenError):
    code = "LEASE_REFUSED"


class ProviderNotFoundError(NotFoundError):
    code = "PROVIDER_NOT_FOUND"


class McpServerNotFoundError(NotFoundError):
    code = "MCP_SERVER_NOT_FOUND"


class ProviderInUseError(ConflictError):
    code = "PROVIDER_IN_USE"


class ProviderGoneError(ConflictError):
    """An agent was to start on a provider that is not there any more."""

    code = "PROVIDER_NOT_FOUND"


class ProviderRetiringError(ConflictError):
    """An agent was to start on a provider that is about to be removed."""

    code = "PROVIDER_RETIRING"


class McpServerInUseError(ConflictError):
    """Agents use the MCP server; `details.agents` names them."""

    code = "MCP_SERVER_IN_USE"


class McpServerGoneError(ConflictError):
    """An agent was to start with tools of an MCP server that is not there any more."""

    code = "MCP_SERVER_NOT_FOUND"


class ProviderNotReadyError(ConflictError):
    """A provider's credential cannot be used until somebody mends it.

    `details.explanation` is an `Explanation` with the cause and the fix.
    """

    code = "PROVIDER_NOT_READY"


class CredentialsMissingError(ProviderNotReadyError):
    code = "CREDENTIALS_MISSING"


class CredentialsExpiredError(ProviderNotReadyError):
    code = "CREDENTIALS_EXPIRED"


class ProviderDisabledError(ProviderNotReadyError):
    code = "PROVIDER_DISABLED"


class RoleRefusedError(ProviderNotReadyError):
    """AWS does not let us assume a provider's role."""

    code = "ROLE_REFUSED"


class SecretOvertakenError(ConflictError):
    """A staged secret cannot take the place of one that somebody has changed."""

    code = "SECRET_OVERTAKEN"


class StaleGenerationError(ConflictError):
    """A claim or release of uses was overtaken by a later one."""

    code = "STALE_GENERATION"


class BaseUrlForbiddenError(InvalidError):
    code = "BASE_URL_FORBIDDEN"


class ProviderIncompleteError(InvalidError):
    """Required fields of a provider are missing; `details.missing` names them."""

    code = "PROVIDER_INCOMPLETE"


class SecretRequiredError(InvalidError):
    code = "SECRET_REQUIRED"


class WebhookUrlForbiddenError(InvalidError):
    code = "WEBHOOK_URL_FORBIDDEN"


class McpUrlForbiddenError(InvalidError):
    code = "MCP_URL_FORBIDDEN"


class MasterKeyUnavailableError(UnavailableError):
    code = "MASTER_KEY_UNAVAILABLE"


class StsUnavailableError(UnavailableError):
    """AWS STS does not answer, or asks us to come back later."""

    code = "STS_UNAVAILABLE"
