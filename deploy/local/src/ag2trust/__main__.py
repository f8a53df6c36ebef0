"""`ag2trust run` and `ag2trust demo`."""

import asyncio
import sys
from collections.abc import Iterator

import click

from .demo import tour
from .errors import LaunchError
from .launch import Session, launch
from .screen import Screen
from .variables import read_variables
from .welcome import welcome


@click.group()
def main() -> None:
    """Ag2Trust on one machine."""


@main.command()
def run() -> None:
    """Start everything, and say where it is."""
    screen = Screen()
    _launch(screen, welcome(screen))


@main.command()
def demo() -> None:
    """Start everything, and take a tour against the sandbox provider."""
    screen = Screen()
    _launch(screen, tour(screen))


def _launch(screen: Screen, session: Session) -> None:
    """Exit with the code of what went wrong; a stop that was asked for is none."""
    failures: list[LaunchError] = []
    try:
        asyncio.run(launch(read_variables(), screen, session))
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


if __name__ == "__main__":
    main()
