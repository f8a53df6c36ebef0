"""What time it is, for a model."""

from datetime import UTC, datetime

import pytest

from agent_runner.tools.current_time import current_time
from shared.errors import ToolArgumentsInvalidError

EVENING = datetime(2026, 11, 29, 23, 30, 15, 999, tzinfo=UTC)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({}, "Sunday, 2026-11-29T23:30:15+00:00 (UTC)"),
        (
            {"time_zone": "Europe/Berlin"},
            "Monday, 2026-11-30T00:30:15+01:00 (Europe/Berlin)",
        ),
    ],
)
def test_the_time_is_told_in_the_zone_that_is_asked_for(
    arguments: dict[str, str], told: str
) -> None:
    assert current_time({**arguments}, EVENING) == told


@pytest.mark.parametrize(
    "arguments",
    [
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../../etc/passwd"},
        {"time_zone": "/etc/passwd"},
        {"time_zone": "a\0b"},
        {"time_zone": ""},
        {"time_zone": 1},
        {"zone": "UTC"},
    ],
)
def test_what_is_no_zone_is_refused(arguments: dict[str, str | int]) -> None:
    with pytest.raises(ToolArgumentsInvalidError) as caught:
        current_time({**arguments}, EVENING)

    assert caught.value.details["explanation"]
