"""How an agent's environment crosses standard input; agent_init.sh is the other side.

Docker writes a container's `Env` to its disk in plain text, where it outlives the
container (moby, daemon/container/container.go, `toDisk`). What is written to an
attached standard input stays in memory.
"""

from collections.abc import Mapping
from pathlib import Path

from .errors import LaunchFailedError

__all__ = [
    "AGENT_INIT",
    "MAX_FRAME_BYTES",
    "MAX_LINE_LENGTH",
    "NAMES",
    "READY",
    "REFUSED",
    "launch_frame",
    "unready",
]

AGENT_INIT = Path(__file__).with_name("agent_init.sh")

NAMES = frozenset(
    {
        "AG2TRUST_AGENT_TOKEN",
        "AG2TRUST_AGENT_URL",
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_BASE_URL",
        "AWS_ACCESS_KEY_ID",
        "AWS_BEARER_TOKEN_BEDROCK",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
    }
)

# `NAME=VALUE` together, so that one figure serves both sides.
MAX_LINE_LENGTH = 8192

MAX_FRAME_BYTES = len(NAMES) * (MAX_LINE_LENGTH + 1) + len(f"END {len(NAMES)}\n")

# The init's line on standard error right before it becomes the agent's command.
READY = b"ag2trust-init: ready\n"

# The init's exit code when it does not accept a frame.
REFUSED = 78

_MOST_WORDS = 200
_GRAPHIC = frozenset(map(chr, range(0x21, 0x7F)))


def launch_frame(environment: Mapping[str, str]) -> bytes:
    """Return the frame: a line for each variable, then `END` and their number.

    Raises LaunchFailedError, which tells the variable but never its value, for a name
    that is not one of `NAMES`, and for a value that is empty, too long, or not all of
    graphic ASCII: secrets have no white space, nor has a URL or region.
    """
    lines = [_line(name, value) for name, value in sorted(environment.items())]
    return "".join([*lines, f"END {len(lines)}\n"]).encode("ascii")


def unready(exit_code: int | None, words: str) -> LaunchFailedError:
    """Say why an init never became its command.

    None is an end that nobody saw. *words* are what was printed until then, masked:
    by the init and the image's shell alone, because no command ran.
    """
    why = {
        None: "The agent vanished before its command ran",
        REFUSED: "The agent's init refused its environment",
    }.get(exit_code, f"The agent ended with exit code {exit_code}, no command ran")
    last = words.strip().rpartition("\n")[2][:_MOST_WORDS]
    return LaunchFailedError(f"{why}: {last}" if last else f"{why}.")


def _line(name: str, value: str) -> str:
    if name not in NAMES:
        raise LaunchFailedError(f"An agent may not be given a variable {name!r}.")
    if not value:
        raise LaunchFailedError(f"The value of {name} is empty.")
    if not _GRAPHIC.issuperset(value):
        raise LaunchFailedError(
            f"The value of {name} has a character that is not graphic ASCII."
        )
    line = f"{name}={value}"
    if len(line) > MAX_LINE_LENGTH:
        raise LaunchFailedError(f"The value of {name} is too long.")
    return line + "\n"
