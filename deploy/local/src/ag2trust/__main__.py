"""`ag2trust run`, `ag2trust demo` and `ag2trust audit verify`."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from .audit import verify_home
from .demo import tour
from .errors import LaunchError
from .launch import Session, launch
from .screen import Screen
from .variables import read_variables
from .welcome import welcome

_TOUCHED = 1


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


@main.group()
def audit() -> None:
    """Look after the record of what was done."""


@audit.command()
@click.option(
    "--heads",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A copy of the folder of exported heads that was kept elsewhere.",
)
def verify(heads: Path | None) -> None:
    """Name every entry that was edited, moved or removed; then exit with 1."""
    with _explained():
        verification = asyncio.run(verify_home(read_variables().home, heads=heads))
    for sentence in verification.sentences():
        click.echo(sentence)
    sys.exit(0 if verification.is_whole else _TOUCHED)


def _launch(screen: Screen, session: Session) -> None:
    """Run a stack; a stop that was asked for is no failure."""
    with _explained():
        asyncio.run(launch(read_variables(), screen, session))


@contextmanager
def _explained() -> Iterator[None]:
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


if __name__ == "__main__":
    main()
