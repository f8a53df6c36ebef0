"""Whether agents run in Docker or as processes, and why."""

from collections.abc import Awaitable, Callable

from .errors import LaunchError
from .installation import RunnerRuntime
from .screen import Screen
from .variables import RuntimeWish

__all__ = ["choose_runtime"]

_PROCESS = RunnerRuntime("process")
_ISOLATES_NOTHING = (
    "The process runtime isolates nothing: an agent can do whatever this account can. "
    "Run only agents that you trust."
)


async def choose_runtime(
    wish: RuntimeWish, ensure_image: Callable[[], Awaitable[str]], screen: Screen
) -> RunnerRuntime:
    """Follow *wish*; *ensure_image* makes the agent's image and returns its tag.

    Raises the `LaunchError` of *ensure_image* if only Docker will do.
    """
    if wish is RuntimeWish.PROCESS:
        screen.say(_ISOLATES_NOTHING)
        return _PROCESS
    try:
        return RunnerRuntime("docker", agent_image=await ensure_image())
    except LaunchError as error:
        if wish is RuntimeWish.DOCKER:
            raise
        screen.say(f"Agents run as processes, not in Docker: {error}")
        screen.say(_ISOLATES_NOTHING)
        return _PROCESS
