"""Why an agent is not at work, told with cause and fix. A table, not branches."""

from shared.contracts.base import Explanation
from shared.errors import (
    AppError,
    CredentialsFrozenError,
    CredentialUnreadableError,
    ProviderNotReadyError,
)

__all__ = ["ACK_ONLY_ERRORS", "explained", "explanation"]

ACK_ONLY_ERRORS = (
    CredentialsFrozenError,
    CredentialUnreadableError,
    ProviderNotReadyError,
)
"""What ends when somebody acts: until then messages are acknowledged."""

_TABLE: dict[str, tuple[str, str, bool]] = {
    "PROVIDER_NOT_FOUND": (
        "The provider of the agent's type was deleted.",
        "Give the agent type another provider, then restart the agent.",
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
    "ENGINE_UNAVAILABLE": (
        "The container engine does not answer.",
        "Start the engine; the start is tried again by itself.",
        True,
    ),
    "IMAGE_NOT_FOUND": (
        "The image of the agent is not on this runner's host.",
        "Build or load the image, then restart the agent.",
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


def explained(error: AppError) -> Explanation:
    """Return the explanation that came with *error*, else that of its code."""
    given = error.details.get("explanation")
    if given is not None:
        return Explanation.model_validate(given)
    return explanation(error.code, error.message)
