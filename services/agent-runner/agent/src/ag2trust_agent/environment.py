"""What the runner hands the agent in its environment."""

import os

from .errors import EnvironmentIncompleteError

__all__ = ["required"]


def required(name: str) -> str:
    """Read variable *name*; raises `EnvironmentIncompleteError` if it is not set."""
    if value := os.environ.get(name):
        return value
    raise EnvironmentIncompleteError(name)
