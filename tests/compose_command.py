"""Which Compose answers here: Docker's plugin, or the program that came before it."""

import os
import subprocess
from functools import cache

__all__ = ["compose_command"]

_COMMANDS = (("docker", "compose"), ("docker-compose",))


def compose_command() -> tuple[str, ...]:
    """Return the first that answers; raise `AssertionError` where none does."""
    return _first_on(os.environ.get("PATH", os.defpath))


@cache
def _first_on(_path: str) -> tuple[str, ...]:
    for command in _COMMANDS:
        if _answers(*command):
            return command
    spelled = " nor ".join(f"`{' '.join(each)}`" for each in _COMMANDS)
    raise AssertionError(f"Neither {spelled} answers; install one of them.")


def _answers(*command: str) -> bool:
    try:
        asked = subprocess.run(  # noqa: S603 - our own words
            [*command, "version"], capture_output=True, check=False
        )
    except FileNotFoundError:
        return False
    return asked.returncode == 0
