"""Why a step of a job was not done, told with cause and fix. A table, not branches."""

from pydantic import ValidationError

from shared.contracts.base import Explanation
from shared.errors import AppError, UnavailableError

__all__ = ["explained"]

_TABLE: dict[str, tuple[str, str]] = {
    "AGENT_NOT_FOUND": (
        "The agent was deleted while the job was at work.",
        "Nothing to do.",
    ),
    "LEASE_REFUSED": (
        "The new secret is not kept any more, or no runner may have it.",
        "Ask for the rotation again.",
    ),
    "PROVIDER_IN_USE": (
        "Agents that could not be restarted still work with the old provider.",
        "Restart or stop the agents that are listed, then delete the provider.",
    ),
    "PROVIDER_NOT_FOUND": (
        "The provider was deleted while the job was at work.",
        "Ask for the rotation again, to a provider that is there.",
    ),
    "PROVIDER_RETIRING": (
        "The provider is about to be removed by a rotation.",
        "Give the agent type another provider.",
    ),
    "SECRET_OVERTAKEN": (
        "Somebody else gave the provider another secret meanwhile.",
        "If the secret of this job is the one to be used, ask for the rotation again.",
    ),
    "VALIDATION_FAILED": (
        "What the job was told does not fit the provider or its agent types.",
        "Correct what is named, and ask for the job again.",
    ),
}
_AWAY = (
    "A service that is needed for this does not answer.",
    "Nothing to do: the step is tried again until it answers.",
)
_ELSE = (
    "Another service refused the step.",
    "See the message and the audit, then ask for the job again.",
)


def explained(error: AppError) -> Explanation:
    """Explain *error*; what brings its own explanation is told with that."""
    try:
        return Explanation.model_validate(error.details.get("explanation"))
    except ValidationError:
        is_passing = isinstance(error, UnavailableError)
        cause, fix = _TABLE.get(error.code, _AWAY if is_passing else _ELSE)
    return Explanation(
        code=error.code,
        message=error.message,
        cause=cause,
        fix=fix,
        retryable=is_passing,
    )
