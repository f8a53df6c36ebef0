"""`current_time`: the time of day, in any time zone."""

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, JsonValue

from shared.errors import ToolArgumentsInvalidError

from .refusals import read_arguments, refused

__all__ = ["current_time"]


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    time_zone: str = "UTC"


def current_time(arguments: dict[str, JsonValue], now: datetime) -> str:
    """Give the time to the second; raises `ToolArgumentsInvalidError`."""
    zone = _zone(read_arguments(_Arguments, arguments).time_zone)
    local = now.astimezone(zone)
    return f"{local:%A}, {local.isoformat(timespec='seconds')} ({zone.key})"


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise refused(
            ToolArgumentsInvalidError,
            "There is no such time zone; say it as in Europe/Berlin.",
        ) from error
