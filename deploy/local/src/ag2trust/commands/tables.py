"""Tables for people: aligned by columns, as wide as there is room."""

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
_INDENT = "    "
_WIDEST = 60


@dataclass(frozen=True)
class Column(Generic[ItemT]):
    """*cell* is what a row has in it; numbers stand *right*."""

    title: str
    cell: Callable[[ItemT], str]
    right: bool = False


def table(
    columns: Sequence[Column[ItemT]],
    items: Iterable[ItemT],
    *,
    within: int | None = None,
) -> str:
    """Return lines, the titles first; the last column is never cut.

    Columns for which there is no room *within* so many go on in a line below, aligned
    with one another, so that nothing of a row is lost.
    """
    *shared, last = columns
    rows = [
        [*(_fitted(each.cell(item)) for each in shared), _on_one_line(last.cell(item))]
        for item in items
    ]
    titled = [[column.title.upper() for column in columns], *rows]
    widths = [max(map(_width, cells)) for cells in zip(*titled, strict=True)]
    lines = _shared_out(widths, within)
    return "\n".join(
        (_INDENT if number else "")
        + _GAP.join(
            _padded(row[at], widths[at], right=columns[at].right) for at in line
        ).rstrip()
        for row in titled
        for number, line in enumerate(lines)
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


def _shared_out(widths: Sequence[int], within: int | None) -> list[list[int]]:
    """Say which columns stand on each line of a row."""
    lines, used = list[list[int]](), 0
    for at, width in enumerate(widths):
        beside = used + len(_GAP) + width
        if lines and (within is None or beside <= within):
            lines[-1].append(at)
            used = beside
        else:
            used = width + (len(_INDENT) if lines else 0)
            lines.append([at])
    return lines


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
