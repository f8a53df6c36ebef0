"""Tables for people: aligned by columns, wide enough and no wider."""

import unicodedata
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
    widths = [max(map(_width, cells)) for cells in zip(*titled, strict=True)]
    return "\n".join(
        _GAP.join(
            _padded(cell, width, right=column.right)
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
    if _width(line) <= _WIDEST:
        return line
    while _width(line) >= _WIDEST:
        line = line[:-1]
    return f"{line}…"


def _padded(cell: str, width: int, *, right: bool) -> str:
    padding = " " * (width - _width(cell))
    return padding + cell if right else cell + padding


def _width(text: str) -> int:
    """Count the columns that a terminal gives to *text* (Unicode Standard Annex 11)."""
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"F", "W"} else 1


def _on_one_line(cell: str) -> str:
    return harmless(" ".join(cell.split()))
