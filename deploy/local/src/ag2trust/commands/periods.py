"""`--period`, `--from` and `--to`, as every read of what was used takes them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import click

from .numbers import FiniteRange

__all__ = ["HOURS", "LocalTime", "in_period", "period_of"]

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

HOURS = FiniteRange(min=0, min_open=True, max=876_000)
"""Of a century at most, so that what lies as far off has a date."""


class LocalTime(click.ParamType[datetime]):
    """A day or a time of this machine's zone, as ISO 8601 writes them."""

    name = "time"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        try:
            return datetime.fromisoformat(value).astimezone()
        except (ValueError, OverflowError):
            self.fail(
                f"{value!r} is no time; one looks like 2026-01-31 or 2026-01-31T09:30.",
                param,
                ctx,
            )


_TIME = LocalTime()


def in_period(function: FunctionT) -> FunctionT:
    """Give a command the options; without any, it is the last 24 hours."""
    for option in (
        click.option(
            "--to",
            "until",
            type=_TIME,
            help="Up to this time, local, as 2026-01-31T09:30.",
        ),
        click.option(
            "--from",
            "since",
            type=_TIME,
            help="From this time on, local, as 2026-01-31.",
        ),
        click.option(
            "--period",
            type=click.Choice(["24h", "7d", "30d", "90d"]),
            help="The last day, week, month or quarter.",
        ),
    ):
        function = option(function)
    return function


def period_of(
    *, period: str | None, since: datetime | None, until: datetime | None
) -> dict[str, Any]:
    """Return what the client's operations take."""
    if period and (since or until):
        raise click.UsageError("Say --period, or --from and --to.")
    given = {
        "period": period,
        "from_": since,
        "to": until,
    }
    return {name: value for name, value in given.items() if value is not None}
