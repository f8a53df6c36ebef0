"""From why a launcher gives up to a sentence and an exit code."""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from .errors import DiskFullError, LaunchError

__all__ = ["explained"]


@contextmanager
def explained() -> Iterator[None]:
    """Say what went wrong, and exit with its code."""
    failures: list[LaunchError] = []
    try:
        yield
    except* LaunchError as group:
        failures.extend(_leaves(group))
    except* OSError as group:
        if others := group.split(_is_of_a_full_disk)[1]:
            raise others from None
        failures.append(DiskFullError())
    if failures:
        click.echo(f"ag2trust: {failures[0]}", err=True)
        sys.exit(failures[0].exit_code)


def _is_of_a_full_disk(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}


def _leaves(group: BaseExceptionGroup[LaunchError]) -> Iterator[LaunchError]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
