"""Lists by time: which things are wanted of one, and from which place on."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

__all__ = ["Place", "conditions_of"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_MICROSECOND = timedelta(microseconds=1)


class Place(NamedTuple):
    """Where a thing stands in a list; `str` and `parse` make it a cursor and back."""

    started_at: datetime
    id: UUID

    def __str__(self) -> str:
        return f"{(self.started_at - _EPOCH) // _MICROSECOND}.{self.id}"

    @classmethod
    def parse(cls, cursor: str) -> "Place":
        """Raise `ValueError` for what `str` did not make."""
        microseconds, _, id_ = cursor.partition(".")
        try:
            started_at = _EPOCH + int(microseconds) * _MICROSECOND
        except OverflowError as error:
            raise ValueError("no time of ours") from error
        return cls(started_at, UUID(id_))


def conditions_of(wanted: Mapping[str, object]) -> tuple[str, list[object]]:
    """Keep the conditions that have arguments, and number these.

    One that is not there lets the planner leave out days and take the right index.
    """
    arguments: list[object] = []
    conditions = ["true"]
    for condition, value in wanted.items():
        if value is not None:
            values = value if isinstance(value, Place) else (value,)
            numbers = range(len(arguments) + 1, len(arguments) + len(values) + 1)
            conditions.append(condition.format(*(f"${each}" for each in numbers)))
            arguments += values
    return " AND ".join(conditions), arguments
