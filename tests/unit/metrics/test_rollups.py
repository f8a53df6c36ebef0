from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from metrics.prices.pricing import PricedCall
from metrics.rollups.rollups import (
    Figures,
    Grain,
    Minute,
    Rollup,
    dimensions_of,
    repriced,
    rolled_up,
)
from metrics.rollups.sketch import Sketch
from shared.contracts.base import Explanation
from shared.contracts.conversations import MessageStatus
from shared.contracts.metrics import CallRecord, CallStatus, Usage
from shared.contracts.prices import UnpricedReason
from shared.ids import new_id

from .records import AGENT, NOON, ORGANIZATION, call, message

UNPRICED = PricedCall(None, "book", UnpricedReason.MODEL_UNKNOWN)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def all_of(minute: datetime) -> Minute:
    return Minute(ORGANIZATION, "organization", "", minute)


def costing(dollars: str) -> PricedCall:
    return PricedCall(Decimal(dollars), "book")


def explained(code: str) -> Explanation:
    return Explanation(code=code, message="No.", cause="A.", fix="B.", retryable=False)


def dimensions(**changes: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for dimension, key in dimensions_of(call(**changes)):
        found.setdefault(dimension, []).append(key)
    return found


def test_a_call_counts_once_in_every_dimension_and_under_each_label() -> None:
    ids = {name: new_id() for name in ("agent_id", "agent_type_id", "provider_id")}

    found = dimensions(**ids, use_case="support", labels={"team": "red", "env": "live"})

    assert found == {
        "organization": [""],
        "agent": [str(ids["agent_id"])],
        "agent_type": [str(ids["agent_type_id"])],
        "provider": [str(ids["provider_id"])],
        "provider_type": ["openai"],
        "model": ["gpt-5"],
        "use_case": ["support"],
        "status": ["completed"],
        "label": found["label"],
    }
    assert sorted(found["label"]) == ["env=live", "team=red"]


def test_a_call_without_a_use_case_has_the_empty_one_and_no_label() -> None:
    found = dimensions()

    assert found["use_case"] == [""]
    assert "label" not in found


@pytest.mark.parametrize(
    ("status", "explanation", "codes"),
    [
        (CallStatus.FAILED, explained("RATE_LIMITED"), ["RATE_LIMITED"]),
        (CallStatus.FAILED, None, ["UNEXPLAINED"]),
        (CallStatus.CANCELLED, explained("RATE_LIMITED"), None),
        (CallStatus.COMPLETED, None, None),
    ],
)
def test_failed_calls_alone_have_a_code(
    status: CallStatus, explanation: Explanation | None, codes: list[str] | None
) -> None:
    assert dimensions(status=status, explanation=explanation).get("code") == codes


def test_names_that_are_too_long_for_an_index_share_the_place_of_their_beginning() -> (
    None
):
    found = dimensions(
        model="m" * 9_000,
        labels={"a": "x" * 9_000, "a=" + "x" * 600: ""},
        use_case="u" * 501,
        status=CallStatus.FAILED,
        explanation=explained("C" * 501),
    )

    assert found["model"] == ["m" * 500]
    assert found["label"] == ["a=" + "x" * 498]
    assert found["use_case"] == ["u" * 500]
    assert found["code"] == ["C" * 500]


def test_a_call_is_summed_up_in_the_minute_it_starts_in() -> None:
    record = call(
        started_at=NOON + timedelta(minutes=47, seconds=11),
        status=CallStatus.FAILED,
        duration_ms=1200,
        time_to_first_token_ms=300,
        usage=Usage(
            input_tokens=1,
            cached_input_tokens=2,
            cache_write_5m_tokens=3,
            cache_write_1h_tokens=4,
            output_tokens=5,
            reasoning_tokens=6,
        ),
    )

    found = rolled_up([(record, costing("0.5"))], [])

    assert found[all_of(NOON + timedelta(minutes=47))] == Rollup(
        Figures(
            calls=1,
            failed_calls=1,
            cost=Decimal("0.5"),
            input_tokens=1,
            cached_input_tokens=2,
            cache_write_5m_tokens=3,
            cache_write_1h_tokens=4,
            output_tokens=5,
            reasoning_tokens=6,
            timed_calls=1,
            duration_ms=1200,
            timed_first_tokens=1,
            time_to_first_token_ms=300,
        ),
        Sketch.of([1200]),
    )


@pytest.mark.parametrize("seconds", [0, 59.999999, 60, 899, 900, 3599, 3600, 86399.9])
@pytest.mark.parametrize("grain", Grain)
def test_a_time_lies_between_two_bounds_of_every_grain(
    seconds: float, grain: Grain
) -> None:
    time = NOON + timedelta(seconds=seconds)

    assert grain.floor(time) <= time < grain.floor(time) + grain.length
    assert grain.ceil(time) - grain.length < time <= grain.ceil(time)
    assert (grain.floor(time) == time) == (grain.ceil(time) == time)
    assert (grain.floor(time) - EPOCH) % grain.length == timedelta(0)


def test_a_time_of_another_zone_falls_into_its_minute_of_utc() -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=5, minutes=45)))

    found = rolled_up([(call(started_at=elsewhere), UNPRICED)], [])

    assert {str(minute.starts_at) for minute in found} == {str(NOON)}


def test_what_is_not_known_adds_nothing() -> None:
    record = call(status=CallStatus.INTERRUPTED)

    found = rolled_up([(record, UNPRICED)], [])

    assert found[all_of(NOON)] == Rollup(
        Figures(calls=1, interrupted_calls=1, unpriced_calls=1), Sketch({})
    )


def test_completed_messages_count_for_organization_agent_and_type() -> None:
    completed = message(duration_ms=70)
    others = [
        message(status=status)
        for status in MessageStatus
        if status is not MessageStatus.COMPLETED
    ]

    found = rolled_up([], [completed, message(), *others])

    assert found[all_of(NOON)].figures == Figures(
        messages_processed=2, timed_messages=1, message_duration_ms=70
    )
    assert Counter(minute.dimension for minute in found) == {
        "organization": 1,
        "agent": 1,
        "agent_type": 2,
    }


def test_many_calls_make_the_sums_of_each() -> None:
    calls = [
        (
            call(
                agent_id=AGENT,
                started_at=NOON + timedelta(seconds=37 * number),
                duration_ms=number,
                usage=Usage(output_tokens=number),
            ),
            costing(f"0.{number:03}"),
        )
        for number in range(200)
    ]

    found = rolled_up(calls, [])

    mine = [each for minute, each in found.items() if minute.dimension == "agent"]
    assert len(mine) > 100
    assert sum(each.figures.calls for each in mine) == 200
    assert sum(each.figures.output_tokens for each in mine) == sum(range(200))
    assert sum(each.figures.cost for each in mine) == Decimal("19.9")
    together = b"".join(each.response_times.to_bytes() for each in mine)
    assert Sketch.from_bytes(together) == Sketch.of(range(200))


def test_a_new_price_changes_cost_and_unpriced_calls_and_nothing_else() -> None:
    changes: list[tuple[CallRecord, PricedCall, PricedCall]] = [
        (call(), costing("0.5"), costing("0.75")),
        (call(), UNPRICED, costing("2")),
        (call(), UNPRICED, costing("4")),
        (call(), costing("8"), UNPRICED),
    ]

    found = repriced(changes)

    assert found[all_of(NOON)] == Rollup(
        Figures(cost=Decimal("-1.75"), unpriced_calls=-1), Sketch({})
    )
