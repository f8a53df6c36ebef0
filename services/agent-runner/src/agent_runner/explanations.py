"""Why an agent is not at work, told with cause and fix. A table, not branches."""

from shared.contracts.base import Explanation
from shared.errors import (
    AppError,
    CredentialsFrozenError,
    CredentialUnreadableError,
    ProviderNotReadyError,
)
from shared.provider_errors.refusals import REFUSALS, explained_refusal

__all__ = [
    "ACK_ONLY_ERRORS",
    "agents_failure",
    "explained",
    "explanation",
    "refusal_of",
]

ACK_ONLY_ERRORS = (
    CredentialsFrozenError,
    CredentialUnreadableError,
    ProviderNotReadyError,
)
"""What ends when somebody acts: until then messages are acknowledged."""

_AGENTS_CODES = frozenset({"REPLY_REFUSED", "TOOL_ROUNDS_EXCEEDED"})
"""What an agent itself finds, rather than a provider or the proxy."""

_TABLE: dict[str, tuple[str, str, bool]] = {
    "PROVIDER_NOT_FOUND": (
        "The provider of the agent's type was deleted.",
        "Give the agent type another provider, then restart the agent.",
        False,
    ),
    "PROVIDER_DISABLED": (
        "An operator disabled the provider, and no fallback can be asked.",
        "Enable the provider, or give the agent type a fallback.",
        False,
    ),
    "LEASE_REFUSED": (
        "The credentials service does not hand this provider's key to this runner.",
        "See the audit of the credentials service for the reason it noted.",
        True,
    ),
    "SERVICE_UNAVAILABLE": (
        "A service that is needed to start the agent does not answer.",
        "Nothing to do: the start is tried again until it answers.",
        True,
    ),
    "DATABASE_UNAVAILABLE": (
        "PostgreSQL does not answer.",
        "Nothing to do: the start is tried again until it answers.",
        True,
    ),
    "MASTER_KEY_UNAVAILABLE": (
        "The master key cannot be used, so no provider key can be decrypted.",
        "Bring the key back; the start is tried again by itself.",
        True,
    ),
    "CREDENTIAL_TAMPERED": (
        "The stored secret of the provider, or its row, was changed in the database.",
        "Give the provider its secret again; its agents then go on by themselves.",
        False,
    ),
    "CREDENTIAL_UNREADABLE": (
        "The stored secret of the provider cannot be read.",
        "Give the provider its secret again; its agents then go on by themselves.",
        False,
    ),
    "CREDENTIAL_WRONG_KEY": (
        "The stored secret was sealed under a master key that this service has not.",
        "Bring that key back as a retired one, or give the provider its secret again.",
        False,
    ),
    "STS_UNAVAILABLE": (
        "AWS STS, which lends the provider's role, does not answer.",
        "Nothing to do: the start is tried again until it answers.",
        True,
    ),
    "NO_RUNNER": (
        "No runner is alive that has what the agent's type asks for.",
        "Start one, or ask for other runner labels or another runtime.",
        True,
    ),
    "RUNNER_LOST": (
        "The agent's runner was killed or stopped, or lost its connections.",
        "Nothing to do: another runner launches the agent.",
        True,
    ),
    "ENGINE_UNAVAILABLE": (
        "The container engine does not answer.",
        "Start the engine; the start is tried again by itself.",
        True,
    ),
    "DELIVERY_REFUSED": (
        "Keys may not be delivered to the environment of agents here.",
        "Set the agent type's credential_delivery to sealed, then restart the agent.",
        False,
    ),
    "IMAGE_NOT_FOUND": (
        "The image of the agent is not on this runner's host.",
        "Build or load the image, then restart the agent.",
        False,
    ),
    "IMAGE_REFUSED": (
        "The image is not allowed here, or asks for more than agents get.",
        "See the message; use another image, or let the service's settings allow it.",
        False,
    ),
    "LAUNCH_FAILED": (
        "The agent's process could not be started.",
        "See the message; correct the image or its resources, then restart.",
        False,
    ),
    "AGENT_SILENT": (
        "The agent's process runs, but never asked for its configuration.",
        "See the agent's log; the image must speak the agent protocol.",
        True,
    ),
    "DELIVERY_FAILED": (
        "The agent's process, or its runner, ended with the message in hand each time.",
        "See the agent's log; once it can answer the message, replay the dead letter.",
        True,
    ),
    "AGENT_FAILED": (
        "The agent could not answer; most often its model call failed.",
        "See the calls of this message for what the provider said.",
        True,
    ),
    "TOOL_ROUNDS_EXCEEDED": (
        "The model asked for tools again and again instead of answering.",
        "Ask for less at once, or tell the model in the system prompt when to answer.",
        True,
    ),
    "REPLY_REFUSED": (
        "The agent's answer is longer than an answer may be.",
        "Ask for a shorter answer, or limit the output of the agent type.",
        False,
    ),
    "AGENT_OUT_OF_MEMORY": (
        "The agent's process needed more memory than its type allows.",
        "Raise resources.memory_mb of the agent type, then restart the agent.",
        True,
    ),
    "AGENT_EXITED": (
        "The agent's process ended by itself.",
        "See its last words and its log; it is started again with a growing pause.",
        True,
    ),
}


def explanation(code: str, message: str) -> Explanation:
    cause, fix, retryable = _TABLE.get(
        code,
        ("The start failed on our side.", "See the log of the agent-runner.", True),
    )
    return Explanation(
        code=code, message=message, cause=cause, fix=fix, retryable=retryable
    )


def agents_failure(
    code: str, message: str, *, of_the_call: Explanation | None
) -> Explanation:
    """Explain what an agent failed of: *of_the_call* is its last one's failure.

    An agent that made no call, or is of its own opinion, is quoted.
    """
    if code in _AGENTS_CODES:
        return explanation(code, message)
    if of_the_call is not None:
        return of_the_call
    return explanation("AGENT_FAILED", message).model_copy(
        update={"provider_error": code}
    )


def explained(error: AppError) -> Explanation:
    """Return the explanation that came with *error*, else that of its code."""
    given = error.details.get("explanation")
    if given is not None:
        return Explanation.model_validate(given)
    return explanation(error.code, error.message)


def refusal_of(error: AppError) -> Explanation | None:
    """Explain what was refused before anything was asked of a provider.

    None where the agent itself asked for what it may not, and says so.
    """
    if error.code in REFUSALS:
        return explained_refusal(error.code, error.message)
    return None
