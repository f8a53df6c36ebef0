"""Tables for people: aligned by columns, wide enough and no wider."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Generic, TypeVar

import click

from .formats import harmless

__all__ = ["Column", "facts", "table"]

ItemT = TypeVar("ItemT")

_GAP = "  "
_WIDEST = 60


@dataclass(frozen=True)
class Column(Generic[ItemT]):
    """*cell* is what a row has in it; numbers stand *right*."""

    title: str
    cell: Callable[[ItemT], str]
    right: bool = False


def table(columns: Sequence[Column[ItemT]], items: Iterable[ItemT]) -> str:
    """Return lines, the titles first; the last column is never cut."""
    *shared, last = columns
    rows = [
        [*(_fitted(each.cell(item)) for each in shared), _on_one_line(last.cell(item))]
        for item in items
    ]
    titled = [[column.title.upper() for column in columns], *rows]
    widths = [max(map(len, cells)) for cells in zip(*titled, strict=True)]
    return "\n".join(
        _GAP.join(
            cell.rjust(width) if column.right else cell.ljust(width)
            for column, cell, width in zip(columns, row, widths, strict=True)
        ).rstrip()
        for row in titled
    )


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Return a line for each name and its value; more lines stand below the first."""
    named = [(name, value.splitlines() or [""]) for name, value in pairs]
    width = max(len(name) for name, _ in named)
    return "\n".join(
        f"{click.style(first.ljust(width), bold=True)}{_GAP}{harmless(line)}".rstrip()
        for name, lines in named
        for first, line in zip_longest([name], lines, fillvalue="")
    )


def _fitted(cell: str) -> str:
    """Keep a cell on one line, and cut what would push all others away."""
    line = _on_one_line(cell)
    return line if len(line) <= _WIDEST else line[: _WIDEST - 1] + "…"


def _on_one_line(cell: str) -> str:
    return harmless(" ".join(cell.split()))
