"""Failures that the agent-runner raises."""

from .families import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    LimitedError,
    MalformedError,
    NotFoundError,
    UnauthenticatedError,
    UnavailableError,
    UpstreamError,
)

__all__ = [
    "AgentIsExternalError",
    "AgentIsHostedError",
    "AgentNotFoundError",
    "AgentNotRunningError",
    "AgentTypeInUseError",
    "AgentTypeNotFoundError",
    "BudgetNotFoundError",
    "BudgetSpentError",
    "CredentialMismatchError",
    "DeadLetterNotFoundError",
    "FeatureNotAllowedError",
    "InvalidAgentTokenError",
    "LimitTooSmallError",
    "McpServerCallFailedError",
    "McpToolChangedError",
    "MessageFinalError",
    "MessageNotFoundError",
    "MessageNotInHandError",
    "MessageTooLongError",
    "ModelNotAllowedError",
    "ModelNotPricedError",
    "NoExternalListenerError",
    "OutputLimitRequiredError",
    "PathNotAllowedError",
    "ProviderCallFailedError",
    "ResidencyViolatedError",
    "RunnerNotFoundError",
    "SpoolFullError",
    "ThreadNotFoundError",
    "ToolArgumentsInvalidError",
    "ToolDestinationForbiddenError",
    "ToolNotFoundError",
    "ToolSecretRefusedError",
    "TranslationRefusedError",
    "WireFormatMismatchError",
]


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


class InvalidAgentTokenError(UnauthenticatedError):
    code = "INVALID_AGENT_TOKEN"


class CredentialMismatchError(UnauthenticatedError):
    code = "CREDENTIAL_MISMATCH"


class FeatureNotAllowedError(ForbiddenError):
    """The agent's type does not allow what a call asks of the provider."""

    code = "FEATURE_NOT_ALLOWED"


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


class RunnerNotFoundError(NotFoundError):
    code = "RUNNER_NOT_FOUND"


class BudgetNotFoundError(NotFoundError):
    code = "BUDGET_NOT_FOUND"


class McpToolChangedError(ConflictError):
    """An MCP server describes a tool otherwise than somebody has approved."""

    code = "MCP_TOOL_CHANGED"


class AgentTypeInUseError(ConflictError):
    """Agents have the type; `details.agents` names them, the first 100."""

    code = "AGENT_TYPE_IN_USE"


class AgentIsExternalError(ConflictError):
    """An external agent takes no messages: it calls, and is not called."""

    code = "AGENT_IS_EXTERNAL"


class AgentIsHostedError(ConflictError):
    """A hosted agent has a token of its own in every incarnation."""

    code = "AGENT_IS_HOSTED"


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


class MessageTooLongError(InvalidError):
    code = "MESSAGE_TOO_LONG"


class ToolArgumentsInvalidError(InvalidError):
    """A model called a tool with what the tool does not take."""

    code = "TOOL_ARGUMENTS_INVALID"


class BudgetSpentError(LimitedError):
    """There is nothing left until the budget's period ends, or it is changed."""

    code = "BUDGET_SPENT"


class LimitTooSmallError(LimitedError):
    """The call may take more than its limit ever allows."""

    code = "LIMIT_TOO_SMALL"


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


class SpoolFullError(UnavailableError):
    code = "SPOOL_FULL"
