"""What commands say: tables to people, JSON to programs, progress beside both."""

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import click
from pydantic import BaseModel

from .formats import harmless
from .tables import Column, facts, table

__all__ = [
    "as_json",
    "progress",
    "said",
    "say",
    "say_json",
    "say_table",
    "show",
    "show_all",
]

ItemT = TypeVar("ItemT", bound=BaseModel)
RowT = TypeVar("RowT")
FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

_CLEAR_LINE = "\r\x1b[K"


def as_json(function: FunctionT) -> FunctionT:
    """Give a command `--json`."""
    option = click.option(
        "--json", "is_json", is_flag=True, help="Say it in JSON, for programs."
    )
    return option(function)


def show_all(
    items: Iterable[ItemT],
    columns: Sequence[Column[ItemT]],
    *,
    is_json: bool,
    if_none: str,
) -> None:
    """Show a list; to people *if_none* says what to do where there is nothing."""
    found = [*items]
    if is_json:
        say_json([_plain(each) for each in found])
    elif found:
        say_table(columns, found)
    else:
        said(if_none)


def show(item: ItemT, pairs: Iterable[tuple[str, str]], *, is_json: bool) -> None:
    """Show one object: by *pairs* of a name and its value."""
    if is_json:
        say_json(_plain(item))
    else:
        click.echo(facts(pairs))


def say_table(columns: Sequence[Column[RowT]], rows: Iterable[RowT]) -> None:
    """Fit a table into a terminal; programs get each row on one line."""
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    click.echo(table(columns, rows, within=room))


def say_json(value: Any) -> None:
    say(json.dumps(value, indent=2, ensure_ascii=False))


def say(text: str, *, ends: bool = True) -> None:
    """Give people a result in words; a piece of one unless it *ends* a line."""
    click.echo(harmless(text), nl=ends)


def said(sentence: str) -> None:
    """Tell people something that is no part of the result."""
    click.echo(harmless(sentence), err=True)


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Say how far something is, on one line that goes at the end.

    Where nobody watches, each new state is a line of its own.
    """
    is_watched, last, begun = sys.stderr.isatty(), "", time.monotonic()

    def tell(state: str) -> None:
        nonlocal last
        if is_watched:
            waited = time.monotonic() - begun
            click.echo(f"{_CLEAR_LINE}{state} … {waited:.0f} s", err=True, nl=False)
        elif state != last:
            click.echo(f"{state} …", err=True)
        last = state

    try:
        yield tell
    finally:
        if is_watched and last:
            click.echo(_CLEAR_LINE, err=True, nl=False)


def _plain(item: BaseModel) -> Any:
    return item.model_dump(mode="json", by_alias=True)
