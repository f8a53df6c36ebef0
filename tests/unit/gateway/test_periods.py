from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from gateway.periods import (
    Period,
    PeriodQuery,
    last_day_unless_given,
    listed_period_of,
    period_of,
)
from shared.errors import InvalidError

from .objects import NOON


def period(**query: str) -> Period:
    return period_of(PeriodQuery.model_validate(query), now=NOON)


@pytest.mark.parametrize(
    ("query", "length"),
    [
        ({"period": "24h"}, timedelta(hours=24)),
        ({"period": "7d"}, timedelta(days=7)),
        ({"period": "30d"}, timedelta(days=30)),
        ({"period": "90d"}, timedelta(days=90)),
        ({"days": "7"}, timedelta(days=7)),
        ({"days": "1"}, timedelta(days=1)),
    ],
)
def test_a_length_ends_now(query: dict[str, str], length: timedelta) -> None:
    assert period(**query) == Period(since=NOON - length, until=NOON)


def test_the_last_day_is_meant_unless_a_period_is_given() -> None:
    nothing = PeriodQuery.model_validate({"tz": "Europe/Paris"})
    something = PeriodQuery.model_validate({"to": "2026-01-01T00:00:00Z"})

    day = last_day_unless_given(nothing, now=NOON)
    given = last_day_unless_given(something, now=NOON)

    assert day == Period(since=NOON - timedelta(days=1), until=NOON)
    assert given == Period(None, datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("query", "since", "until"),
    [
        ({}, NOON - timedelta(days=1), None),
        ({"period": "7d"}, NOON - timedelta(days=7), None),
        ({"to": "2026-01-01T00:00:00Z"}, None, datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
def test_what_is_listed_ends_where_an_end_is_given_alone(
    query: dict[str, str], since: datetime | None, until: datetime | None
) -> None:
    listed = listed_period_of(
        PeriodQuery.model_validate(query), now=NOON, is_of_one=False
    )

    assert listed == Period(since, until)


def test_what_is_of_one_thing_is_listed_whenever_it_was() -> None:
    listed = listed_period_of(PeriodQuery(), now=NOON, is_of_one=True)

    assert listed == Period(None, None)


@pytest.mark.parametrize(
    "zone", ["UTC", "Europe/Paris", "Etc/GMT+5", "America/St_Johns"]
)
def test_any_zone_may_be_meant(zone: str) -> None:
    assert PeriodQuery.model_validate({"tz": zone}).tz == zone


def test_no_period_is_open_at_both_ends() -> None:
    assert period() == Period(since=None, until=None)


def test_either_end_may_be_open() -> None:
    newyear = datetime(2026, 1, 1, tzinfo=UTC)

    assert period(**{"from": "2026-01-01T00:00:00Z"}) == Period(newyear, None)
    assert period(to="2026-01-01T00:00:00z") == Period(None, newyear)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"period": "7d", "days": "7"}, "days"),
        ({"period": "7d", "from": "2026-01-01T00:00:00Z"}, "from"),
        ({"days": "7", "to": "2026-01-01T00:00:00Z"}, "from"),
        ({"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "to"),
        ({"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T01:00:00+01:00"}, "to"),
    ],
)
def test_what_contradicts_itself_is_refused(query: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidError) as caught:
        period(**query)

    assert f"'field': '{field}'" in str(caught.value.details["fields"])


@pytest.mark.parametrize(
    "query",
    [
        {"period": "8d"},
        {"period": ""},
        {"days": "0"},
        {"days": "91"},
        {"days": "many"},
        {"from": "yesterday"},
        {"from": "1767225600"},
        {"from": "2026-01-01"},
        {"from": "2026-01-01T00:00:00"},
        {"from": "2026-13-01T00:00:00Z"},
        {"from": "2026-01-01T00:00:00 00:00"},
        {"tz": "Europe/Paris "},
        {"tz": "../etc/passwd"},
        {"tz": ""},
    ],
)
def test_what_is_no_period_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        PeriodQuery.model_validate(query)


def test_files_of_time_zones_are_looked_through_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    PeriodQuery(tz="Europe/Paris")

    def refuse(*_: object) -> None:
        pytest.fail("a file was opened")

    monkeypatch.setattr("builtins.open", refuse)

    assert PeriodQuery(tz="Asia/Tokyo").tz == "Asia/Tokyo"
