"""Failures a caller may see, and the one list of their codes.

AppError                              500 INTERNAL_ERROR
 ├ CredentialUnreadableError          500 CREDENTIAL_UNREADABLE
 │  ├ CredentialTamperedError             CREDENTIAL_TAMPERED
 │  └ CredentialWrongKeyError             CREDENTIAL_WRONG_KEY
 ├ MalformedError                     400 MALFORMED_REQUEST
 │  ├ MalformedJsonError                  MALFORMED_JSON
 │  ├ OutputLimitRequiredError            OUTPUT_LIMIT_REQUIRED
 │  ├ TranslationRefusedError             TRANSLATION_NOT_SUPPORTED
 │  └ WireFormatMismatchError             WIRE_FORMAT_MISMATCH
 ├ UnauthenticatedError               401 UNAUTHENTICATED
 │  ├ InvalidApiKeyError                  INVALID_API_KEY
 │  ├ SessionEndedError                   SESSION_ENDED
 │  ├ LoginRefusedError                   LOGIN_REFUSED
 │  ├ InvalidAgentTokenError              INVALID_AGENT_TOKEN
 │  └ CredentialMismatchError             CREDENTIAL_MISMATCH
 ├ ForbiddenError                     403 FORBIDDEN
 │  ├ CrossSiteError                      CROSS_SITE_REQUEST
 │  ├ CredentialsFrozenError              CREDENTIALS_FROZEN
 │  ├ FeatureNotAllowedError              FEATURE_NOT_ALLOWED
 │  ├ LeaseRefusedError                   LEASE_REFUSED
 │  ├ ModelNotAllowedError                MODEL_NOT_ALLOWED
 │  ├ ModelNotPricedError                 MODEL_NOT_PRICED
 │  ├ PathNotAllowedError                 PATH_NOT_ALLOWED
 │  ├ ResidencyViolatedError              RESIDENCY_VIOLATED
 │  ├ ToolDestinationForbiddenError       TOOL_DESTINATION_FORBIDDEN
 │  └ ToolSecretRefusedError              TOOL_SECRET_REFUSED
 ├ NotFoundError                      404 NOT_FOUND
 │  ├ ProviderNotFoundError               PROVIDER_NOT_FOUND
 │  ├ AgentTypeNotFoundError              AGENT_TYPE_NOT_FOUND
 │  ├ AgentNotFoundError                  AGENT_NOT_FOUND
 │  ├ MessageNotFoundError                MESSAGE_NOT_FOUND
 │  ├ ThreadNotFoundError                 THREAD_NOT_FOUND
 │  ├ DeadLetterNotFoundError             DEAD_LETTER_NOT_FOUND
 │  ├ ToolNotFoundError                   TOOL_NOT_FOUND
 │  ├ CallNotFoundError                   CALL_NOT_FOUND
 │  ├ ToolCallNotFoundError               TOOL_CALL_NOT_FOUND
 │  ├ ApiKeyNotFoundError                 API_KEY_NOT_FOUND
 │  ├ UserNotFoundError                   USER_NOT_FOUND
 │  ├ SessionNotFoundError                SESSION_NOT_FOUND
 │  ├ InvitationNotFoundError             INVITATION_NOT_FOUND
 │  ├ RunnerNotFoundError                 RUNNER_NOT_FOUND
 │  ├ JobNotFoundError                    JOB_NOT_FOUND
 │  ├ BudgetNotFoundError                 BUDGET_NOT_FOUND
 │  ├ AlertNotFoundError                  ALERT_NOT_FOUND
 │  ├ PriceNotFoundError                  PRICE_NOT_FOUND
 │  ├ RepricingNotFoundError              REPRICING_NOT_FOUND
 │  ├ WebhookNotFoundError                WEBHOOK_NOT_FOUND
 │  ├ DeliveryNotFoundError               DELIVERY_NOT_FOUND
 │  └ McpServerNotFoundError              MCP_SERVER_NOT_FOUND
 ├ MethodNotAllowedError              405 METHOD_NOT_ALLOWED
 ├ ConflictError                      409 CONFLICT
 │  ├ NameTakenError                      NAME_TAKEN
 │  ├ RequestInProgressError              REQUEST_IN_PROGRESS
 │  ├ ProviderInUseError                  PROVIDER_IN_USE
 │  ├ ProviderGoneError                   PROVIDER_NOT_FOUND
 │  ├ ProviderRetiringError               PROVIDER_RETIRING
 │  ├ ProviderNotReadyError               PROVIDER_NOT_READY
 │  │  ├ CredentialsMissingError             CREDENTIALS_MISSING
 │  │  ├ CredentialsExpiredError             CREDENTIALS_EXPIRED
 │  │  ├ ProviderDisabledError               PROVIDER_DISABLED
 │  │  └ RoleRefusedError                    ROLE_REFUSED
 │  ├ McpServerInUseError                 MCP_SERVER_IN_USE
 │  ├ McpServerGoneError                  MCP_SERVER_NOT_FOUND
 │  ├ McpToolChangedError                 MCP_TOOL_CHANGED
 │  ├ AgentTypeInUseError                 AGENT_TYPE_IN_USE
 │  ├ AgentIsExternalError                AGENT_IS_EXTERNAL
 │  ├ AgentIsHostedError                  AGENT_IS_HOSTED
 │  ├ AgentNotRunningError                AGENT_NOT_RUNNING
 │  ├ JobRunningError                     JOB_RUNNING
 │  ├ NoExternalListenerError             NO_EXTERNAL_LISTENER
 │  ├ MessageNotInHandError               MESSAGE_NOT_IN_HAND
 │  ├ MessageFinalError                   MESSAGE_FINAL
 │  ├ SecretOvertakenError                SECRET_OVERTAKEN
 │  └ StaleGenerationError                STALE_GENERATION
 ├ PreconditionFailedError            412 PRECONDITION_FAILED
 ├ TooLargeError                      413 REQUEST_TOO_LARGE
 │  └ HeadTooLargeError               431 HEAD_TOO_LARGE
 ├ InvalidError                       422 VALIDATION_FAILED
 │  ├ BaseUrlForbiddenError               BASE_URL_FORBIDDEN
 │  ├ IdempotencyKeyReusedError           IDEMPOTENCY_KEY_REUSED
 │  ├ ProviderIncompleteError             PROVIDER_INCOMPLETE
 │  ├ SecretRequiredError                 SECRET_REQUIRED
 │  ├ MessageTooLongError                 MESSAGE_TOO_LONG
 │  ├ ToolArgumentsInvalidError           TOOL_ARGUMENTS_INVALID
 │  ├ WebhookUrlForbiddenError            WEBHOOK_URL_FORBIDDEN
 │  └ McpUrlForbiddenError                MCP_URL_FORBIDDEN
 ├ LimitedError                       429 RATE_LIMITED
 │  ├ BudgetSpentError                    BUDGET_SPENT
 │  └ LimitTooSmallError                  LIMIT_TOO_SMALL
 ├ UpstreamError                      502 UPSTREAM_UNREACHABLE
 │  ├ ProviderCallFailedError             PROVIDER_CALL_FAILED
 │  └ McpServerCallFailedError            MCP_SERVER_CALL_FAILED
 └ UnavailableError                   503 SERVICE_UNAVAILABLE
    ├ DatabaseUnavailableError            DATABASE_UNAVAILABLE
    ├ MasterKeyUnavailableError           MASTER_KEY_UNAVAILABLE
    ├ SpoolFullError                      SPOOL_FULL
    └ StsUnavailableError                 STS_UNAVAILABLE

Each is in the module of who raises it, and imported from here. Anything else that
escapes a handler is a bug: logged in full, told as INTERNAL_ERROR.
"""

from collections.abc import Mapping

from pydantic import JsonValue

from .agent_runner import (
    AgentIsExternalError,
    AgentIsHostedError,
    AgentNotFoundError,
    AgentNotRunningError,
    AgentTypeInUseError,
    AgentTypeNotFoundError,
    BudgetNotFoundError,
    BudgetSpentError,
    CredentialMismatchError,
    DeadLetterNotFoundError,
    FeatureNotAllowedError,
    InvalidAgentTokenError,
    LimitTooSmallError,
    McpServerCallFailedError,
    McpToolChangedError,
    MessageFinalError,
    MessageNotFoundError,
    MessageNotInHandError,
    MessageTooLongError,
    ModelNotAllowedError,
    ModelNotPricedError,
    NoExternalListenerError,
    OutputLimitRequiredError,
    PathNotAllowedError,
    ProviderCallFailedError,
    ResidencyViolatedError,
    RunnerNotFoundError,
    SpoolFullError,
    ThreadNotFoundError,
    ToolArgumentsInvalidError,
    ToolDestinationForbiddenError,
    ToolNotFoundError,
    ToolSecretRefusedError,
    TranslationRefusedError,
    WireFormatMismatchError,
)
from .any_service import (
    DatabaseUnavailableError,
    HeadTooLargeError,
    MalformedJsonError,
    NameTakenError,
)
from .credentials import (
    BaseUrlForbiddenError,
    CredentialsExpiredError,
    CredentialsFrozenError,
    CredentialsMissingError,
    CredentialTamperedError,
    CredentialUnreadableError,
    CredentialWrongKeyError,
    LeaseRefusedError,
    MasterKeyUnavailableError,
    McpServerGoneError,
    McpServerInUseError,
    McpServerNotFoundError,
    McpUrlForbiddenError,
    ProviderDisabledError,
    ProviderGoneError,
    ProviderIncompleteError,
    ProviderInUseError,
    ProviderNotFoundError,
    ProviderNotReadyError,
    ProviderRetiringError,
    RoleRefusedError,
    SecretOvertakenError,
    SecretRequiredError,
    StaleGenerationError,
    StsUnavailableError,
    WebhookUrlForbiddenError,
)
from .families import (
    AppError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    LimitedError,
    MalformedError,
    MethodNotAllowedError,
    NotFoundError,
    PreconditionFailedError,
    TooLargeError,
    UnauthenticatedError,
    UnavailableError,
    UpstreamError,
)
from .gateway import (
    ApiKeyNotFoundError,
    CrossSiteError,
    IdempotencyKeyReusedError,
    InvalidApiKeyError,
    InvitationNotFoundError,
    JobNotFoundError,
    JobRunningError,
    LoginRefusedError,
    RequestInProgressError,
    SessionEndedError,
    SessionNotFoundError,
    UserNotFoundError,
)
from .metrics import (
    AlertNotFoundError,
    CallNotFoundError,
    DeliveryNotFoundError,
    PriceNotFoundError,
    RepricingNotFoundError,
    ToolCallNotFoundError,
    WebhookNotFoundError,
)

__all__ = [
    "AgentIsExternalError",
    "AgentIsHostedError",
    "AgentNotFoundError",
    "AgentNotRunningError",
    "AgentTypeInUseError",
    "AgentTypeNotFoundError",
    "AlertNotFoundError",
    "ApiKeyNotFoundError",
    "AppError",
    "BaseUrlForbiddenError",
    "BudgetNotFoundError",
    "BudgetSpentError",
    "CallNotFoundError",
    "ConflictError",
    "CredentialMismatchError",
    "CredentialTamperedError",
    "CredentialUnreadableError",
    "CredentialWrongKeyError",
    "CredentialsExpiredError",
    "CredentialsFrozenError",
    "CredentialsMissingError",
    "CrossSiteError",
    "DatabaseUnavailableError",
    "DeadLetterNotFoundError",
    "DeliveryNotFoundError",
    "FeatureNotAllowedError",
    "ForbiddenError",
    "HeadTooLargeError",
    "IdempotencyKeyReusedError",
    "InvalidAgentTokenError",
    "InvalidApiKeyError",
    "InvalidError",
    "InvitationNotFoundError",
    "JobNotFoundError",
    "JobRunningError",
    "LeaseRefusedError",
    "LimitTooSmallError",
    "LimitedError",
    "LoginRefusedError",
    "MalformedError",
    "MalformedJsonError",
    "MasterKeyUnavailableError",
    "McpServerCallFailedError",
    "McpServerGoneError",
    "McpServerInUseError",
    "McpServerNotFoundError",
    "McpToolChangedError",
    "McpUrlForbiddenError",
    "MessageFinalError",
    "MessageNotFoundError",
    "MessageNotInHandError",
    "MessageTooLongError",
    "MethodNotAllowedError",
    "ModelNotAllowedError",
    "ModelNotPricedError",
    "NameTakenError",
    "NoExternalListenerError",
    "NotFoundError",
    "OutputLimitRequiredError",
    "PathNotAllowedError",
    "PreconditionFailedError",
    "PriceNotFoundError",
    "ProviderCallFailedError",
    "ProviderDisabledError",
    "ProviderGoneError",
    "ProviderInUseError",
    "ProviderIncompleteError",
    "ProviderNotFoundError",
    "ProviderNotReadyError",
    "ProviderRetiringError",
    "RepricingNotFoundError",
    "RequestInProgressError",
    "ResidencyViolatedError",
    "RoleRefusedError",
    "RunnerNotFoundError",
    "SecretOvertakenError",
    "SecretRequiredError",
    "SessionEndedError",
    "SessionNotFoundError",
    "SpoolFullError",
    "StaleGenerationError",
    "StsUnavailableError",
    "ThreadNotFoundError",
    "TooLargeError",
    "ToolArgumentsInvalidError",
    "ToolCallNotFoundError",
    "ToolDestinationForbiddenError",
    "ToolNotFoundError",
    "ToolSecretRefusedError",
    "TranslationRefusedError",
    "UnauthenticatedError",
    "UnavailableError",
    "UpstreamError",
    "UserNotFoundError",
    "WebhookNotFoundError",
    "WebhookUrlForbiddenError",
    "WireFormatMismatchError",
    "error_from",
]


def error_from(
    *,
    code: str,
    status: int,
    message: str,
    details: Mapping[str, JsonValue] | None = None,
    retry_after_seconds: float | None = None,
) -> AppError:
    """Rebuild on this side of the wire what was raised on the other.

    The class is the one of *code*, else the family of *status*: an older reader
    treats a code it does not know as its family, and still passes the code on.
    """
    known = _BY_CODE.get((code, status)) or _BY_STATUS.get(status, AppError)
    error = known(message, details=details, retry_after_seconds=retry_after_seconds)
    error.code = code
    return error


def _descendants(family: type[AppError]) -> list[type[AppError]]:
    children = family.__subclasses__()
    return [*children, *(each for child in children for each in _descendants(child))]


_BY_STATUS: dict[int, type[AppError]] = {
    **{int(family.status): family for family in AppError.__subclasses__()},
    int(AppError.status): AppError,
}
_BY_CODE = {(each.code, int(each.status)): each for each in _descendants(AppError)}
