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

Anything else that escapes a handler is a bug: logged in full, told as INTERNAL_ERROR.
"""

from collections.abc import Mapping
from http import HTTPStatus

from pydantic import JsonValue

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


class AppError(Exception):
    """A failure with a stable code, an HTTP status and one sentence for people.

    *details* is published with the error, so it holds nothing secret.
    *retry_after_seconds* becomes the `Retry-After` header of 429 and 503.
    """

    code: str = "INTERNAL_ERROR"
    status: HTTPStatus = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init__(
        self,
        message: str = "Something went wrong on our side.",
        *,
        details: Mapping[str, JsonValue] | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details: dict[str, JsonValue] = dict(details or {})
        self.retry_after_seconds = retry_after_seconds


class CredentialUnreadableError(AppError):
    """A stored secret does not open; trying again does not help."""

    code = "CREDENTIAL_UNREADABLE"


class CredentialTamperedError(CredentialUnreadableError):
    """A stored secret, or what it is bound to, was changed since it was sealed."""

    code = "CREDENTIAL_TAMPERED"


class CredentialWrongKeyError(CredentialUnreadableError):
    """A stored secret was sealed under another key than the one at hand."""

    code = "CREDENTIAL_WRONG_KEY"


class MalformedError(AppError):
    """The request cannot be read."""

    code = "MALFORMED_REQUEST"
    status = HTTPStatus.BAD_REQUEST


class MalformedJsonError(MalformedError):
    code = "MALFORMED_JSON"


class OutputLimitRequiredError(MalformedError):
    """A limit counts a call's tokens, and nothing says how many it may make."""

    code = "OUTPUT_LIMIT_REQUIRED"


class TranslationRefusedError(MalformedError):
    """A request asks for what another wire format has no place for.

    `details.param` names the request's field.
    """

    code = "TRANSLATION_NOT_SUPPORTED"


class WireFormatMismatchError(MalformedError):
    """The path's wire format is not the provider's, and is not translated."""

    code = "WIRE_FORMAT_MISMATCH"


class UnauthenticatedError(AppError):
    """We do not know who asks."""

    code = "UNAUTHENTICATED"
    status = HTTPStatus.UNAUTHORIZED


class InvalidApiKeyError(UnauthenticatedError):
    code = "INVALID_API_KEY"


class SessionEndedError(UnauthenticatedError):
    """A person was logged in and is not any more."""

    code = "SESSION_ENDED"


class LoginRefusedError(UnauthenticatedError):
    """No password that goes with this name."""

    code = "LOGIN_REFUSED"


class InvalidAgentTokenError(UnauthenticatedError):
    code = "INVALID_AGENT_TOKEN"


class CredentialMismatchError(UnauthenticatedError):
    code = "CREDENTIAL_MISMATCH"


class ForbiddenError(AppError):
    """We know who asks, and the answer is no."""

    code = "FORBIDDEN"
    status = HTTPStatus.FORBIDDEN


class CrossSiteError(ForbiddenError):
    """A browser was made to ask this by another site's page."""

    code = "CROSS_SITE_REQUEST"


class CredentialsFrozenError(ForbiddenError):
    """No secret is opened until an owner unfreezes the installation."""

    code = "CREDENTIALS_FROZEN"


class FeatureNotAllowedError(ForbiddenError):
    """The agent's type does not allow what a call asks of the provider."""

    code = "FEATURE_NOT_ALLOWED"


class LeaseRefusedError(ForbiddenError):
    code = "LEASE_REFUSED"


class ModelNotAllowedError(ForbiddenError):
    code = "MODEL_NOT_ALLOWED"


class ModelNotPricedError(ForbiddenError):
    """A budget in dollars cannot count a model that has no price."""

    code = "MODEL_NOT_PRICED"


class PathNotAllowedError(ForbiddenError):
    code = "PATH_NOT_ALLOWED"


class ResidencyViolatedError(ForbiddenError):
    """Data would leave the provider types and regions that the agent type names."""

    code = "RESIDENCY_VIOLATED"


class ToolDestinationForbiddenError(ForbiddenError):
    """A tool was to ask where no tool of this agent may."""

    code = "TOOL_DESTINATION_FORBIDDEN"


class ToolSecretRefusedError(ForbiddenError):
    """A tool was to send out a secret that the agent's process knows."""

    code = "TOOL_SECRET_REFUSED"


class NotFoundError(AppError):
    """No such thing, or not yours."""

    code = "NOT_FOUND"
    status = HTTPStatus.NOT_FOUND


class ProviderNotFoundError(NotFoundError):
    code = "PROVIDER_NOT_FOUND"


class AgentTypeNotFoundError(NotFoundError):
    code = "AGENT_TYPE_NOT_FOUND"


class AgentNotFoundError(NotFoundError):
    code = "AGENT_NOT_FOUND"


class MessageNotFoundError(NotFoundError):
    code = "MESSAGE_NOT_FOUND"


class ThreadNotFoundError(NotFoundError):
    code = "THREAD_NOT_FOUND"


class DeadLetterNotFoundError(NotFoundError):
    code = "DEAD_LETTER_NOT_FOUND"


class ToolNotFoundError(NotFoundError):
    """An agent's type does not have the tool that it asked for."""

    code = "TOOL_NOT_FOUND"


class CallNotFoundError(NotFoundError):
    code = "CALL_NOT_FOUND"


class ToolCallNotFoundError(NotFoundError):
    code = "TOOL_CALL_NOT_FOUND"


class ApiKeyNotFoundError(NotFoundError):
    code = "API_KEY_NOT_FOUND"


class RunnerNotFoundError(NotFoundError):
    code = "RUNNER_NOT_FOUND"


class UserNotFoundError(NotFoundError):
    code = "USER_NOT_FOUND"


class SessionNotFoundError(NotFoundError):
    code = "SESSION_NOT_FOUND"


class InvitationNotFoundError(NotFoundError):
    """A one-time link that was never made, was used, or is too old."""

    code = "INVITATION_NOT_FOUND"


class JobNotFoundError(NotFoundError):
    code = "JOB_NOT_FOUND"


class BudgetNotFoundError(NotFoundError):
    code = "BUDGET_NOT_FOUND"


class AlertNotFoundError(NotFoundError):
    code = "ALERT_NOT_FOUND"


class PriceNotFoundError(NotFoundError):
    code = "PRICE_NOT_FOUND"


class RepricingNotFoundError(NotFoundError):
    code = "REPRICING_NOT_FOUND"


class WebhookNotFoundError(NotFoundError):
    code = "WEBHOOK_NOT_FOUND"


class McpServerNotFoundError(NotFoundError):
    code = "MCP_SERVER_NOT_FOUND"


class MethodNotAllowedError(AppError):
    code = "METHOD_NOT_ALLOWED"
    status = HTTPStatus.METHOD_NOT_ALLOWED


class ConflictError(AppError):
    """True a moment ago, or already done."""

    code = "CONFLICT"
    status = HTTPStatus.CONFLICT


class NameTakenError(ConflictError):
    code = "NAME_TAKEN"


class RequestInProgressError(ConflictError):
    """The first request with this `Idempotency-Key` has no answer yet."""

    code = "REQUEST_IN_PROGRESS"


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


class McpToolChangedError(ConflictError):
    """An MCP server describes a tool otherwise than somebody has approved."""

    code = "MCP_TOOL_CHANGED"


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


class AgentTypeInUseError(ConflictError):
    code = "AGENT_TYPE_IN_USE"


class AgentIsExternalError(ConflictError):
    """An external agent takes no messages: it calls, and is not called."""

    code = "AGENT_IS_EXTERNAL"


class AgentIsHostedError(ConflictError):
    """A hosted agent has a token of its own in every incarnation."""

    code = "AGENT_IS_HOSTED"


class JobRunningError(ConflictError):
    """Another job works on the same thing; `details.job_id` says which."""

    code = "JOB_RUNNING"


class NoExternalListenerError(ConflictError):
    """No runner was told where to listen for external agents."""

    code = "NO_EXTERNAL_LISTENER"


class AgentNotRunningError(ConflictError):
    code = "AGENT_NOT_RUNNING"


class MessageNotInHandError(ConflictError):
    code = "MESSAGE_NOT_IN_HAND"


class MessageFinalError(ConflictError):
    """What a message has become cannot be undone, or done again."""

    code = "MESSAGE_FINAL"


class SecretOvertakenError(ConflictError):
    """A staged secret cannot take the place of one that somebody has changed."""

    code = "SECRET_OVERTAKEN"


class StaleGenerationError(ConflictError):
    """A claim or release of uses was overtaken by a later one."""

    code = "STALE_GENERATION"


class PreconditionFailedError(AppError):
    """The object is not the version that the caller has read (`If-Match`)."""

    code = "PRECONDITION_FAILED"
    status = HTTPStatus.PRECONDITION_FAILED


class TooLargeError(AppError):
    code = "REQUEST_TOO_LARGE"
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class HeadTooLargeError(TooLargeError):
    """The request line or the fields of a request are longer than is taken."""

    code = "HEAD_TOO_LARGE"
    status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE


class InvalidError(AppError):
    """Readable, but not acceptable; `details.fields` says where."""

    code = "VALIDATION_FAILED"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class BaseUrlForbiddenError(InvalidError):
    code = "BASE_URL_FORBIDDEN"


class IdempotencyKeyReusedError(InvalidError):
    """An `Idempotency-Key` came with another request before."""

    code = "IDEMPOTENCY_KEY_REUSED"


class ProviderIncompleteError(InvalidError):
    """Required fields of a provider are missing; `details.missing` names them."""

    code = "PROVIDER_INCOMPLETE"


class SecretRequiredError(InvalidError):
    code = "SECRET_REQUIRED"


class MessageTooLongError(InvalidError):
    code = "MESSAGE_TOO_LONG"


class ToolArgumentsInvalidError(InvalidError):
    """A model called a tool with what the tool does not take."""

    code = "TOOL_ARGUMENTS_INVALID"


class WebhookUrlForbiddenError(InvalidError):
    code = "WEBHOOK_URL_FORBIDDEN"


class McpUrlForbiddenError(InvalidError):
    code = "MCP_URL_FORBIDDEN"


class LimitedError(AppError):
    code = "RATE_LIMITED"
    status = HTTPStatus.TOO_MANY_REQUESTS


class BudgetSpentError(LimitedError):
    """There is nothing left until the budget's period ends, or it is changed."""

    code = "BUDGET_SPENT"


class LimitTooSmallError(LimitedError):
    """The call may take more than its limit ever allows."""

    code = "LIMIT_TOO_SMALL"


class UpstreamError(AppError):
    """A provider could not be reached, or did not answer as HTTP."""

    code = "UPSTREAM_UNREACHABLE"
    status = HTTPStatus.BAD_GATEWAY


class ProviderCallFailedError(UpstreamError):
    """A provider did not answer what was asked of it for an operator.

    `details.explanation` is an `Explanation` with the cause and the fix.
    """

    code = "PROVIDER_CALL_FAILED"


class McpServerCallFailedError(UpstreamError):
    """An MCP server did not answer what was asked of it for an operator.

    `details.explanation` is an `Explanation` with the cause and the fix.
    """

    code = "MCP_SERVER_CALL_FAILED"


class UnavailableError(AppError):
    """Try again later."""

    code = "SERVICE_UNAVAILABLE"
    status = HTTPStatus.SERVICE_UNAVAILABLE


class DatabaseUnavailableError(UnavailableError):
    code = "DATABASE_UNAVAILABLE"


class MasterKeyUnavailableError(UnavailableError):
    code = "MASTER_KEY_UNAVAILABLE"


class SpoolFullError(UnavailableError):
    code = "SPOOL_FULL"


class StsUnavailableError(UnavailableError):
    """AWS STS does not answer, or asks us to come back later."""

    code = "STS_UNAVAILABLE"


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
