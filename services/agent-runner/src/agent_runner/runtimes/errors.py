"""The ways a runtime can fail. None leaves this service: they become a status reason.

UnavailableError (shared)
 └ EngineUnavailableError   the container engine does not answer; try again later
LaunchFailedError           this agent did not start, and nothing of it is left
 ├ DeliveryRefusedError     because its process may not be given a key
 ├ ImageNotFoundError       because its image is not on this host
 ├ ImageRefusedError        because its image may not be launched
 └ AgentSilentError         because it never asked for its configuration
AgentExitedError            this agent ended by itself
 └ AgentOutOfMemoryError    because the kernel ended it for lack of memory
"""

from shared.errors import AppError, UnavailableError

__all__ = [
    "AgentExitedError",
    "AgentOutOfMemoryError",
    "AgentSilentError",
    "DeliveryRefusedError",
    "EngineUnavailableError",
    "ImageNotFoundError",
    "ImageRefusedError",
    "LaunchFailedError",
]


class EngineUnavailableError(UnavailableError):
    """The container engine does not answer, or answers that it cannot."""

    code = "ENGINE_UNAVAILABLE"


class LaunchFailedError(AppError):
    """An agent did not start; the sentence says why."""

    code = "LAUNCH_FAILED"


class DeliveryRefusedError(LaunchFailedError):
    code = "DELIVERY_REFUSED"


class ImageNotFoundError(LaunchFailedError):
    code = "IMAGE_NOT_FOUND"


class ImageRefusedError(LaunchFailedError):
    code = "IMAGE_REFUSED"


class AgentSilentError(LaunchFailedError):
    code = "AGENT_SILENT"


class AgentExitedError(AppError):
    code = "AGENT_EXITED"


class AgentOutOfMemoryError(AgentExitedError):
    code = "AGENT_OUT_OF_MEMORY"
