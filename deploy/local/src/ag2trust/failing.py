"""From why a launcher gives up to a sentence and an exit code."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from .errors import LaunchError

__all__ = ["explained"]


@contextmanager
def explained() -> Iterator[None]:
    """Say what went wrong, and exit with its code."""
    failures: list[LaunchError] = []
    try:
        yield
    except* LaunchError as group:
        failures.extend(_leaves(group))
    if failures:
        click.echo(f"ag2trust: {failures[0]}", err=True)
        sys.exit(failures[0].exit_code)


def _leaves(group: BaseExceptionGroup[LaunchError]) -> Iterator[LaunchError]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
