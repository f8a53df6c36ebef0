"""The rules of alerts on generated weeks: silent when all is well, else quick."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import pytest

from metrics.detection.detectors import findings
from metrics.detection.surprise import chance_of, chance_of_mean
from metrics.detection.traffic import Amount, Minute, Usual
from metrics.rollups.sketch import Sketch
from shared.contracts.alerts import AlertRuleName

from .weeks import (
    BEGINNING,
    DAY,
    MINUTE,
    Call,
    Character,
    Fault,
    NightlyJob,
    Week,
    most_of_an_outage,
    outage,
    runaway,
    slowness,
    with_fault,
)

DAYS = 14
NIGHTLY = [
    NightlyJob("each night at once", calls_a_night=500),
    NightlyJob("very much each night", calls_a_night=5_000),
    NightlyJob("longer each night", calls_a_night=2_000, minutes=9),
]
MORE_QUIET = [
    Character("all day", calm=3, busy=5, weekend=1),
    Character("weekdays alone", calm=0, busy=3, weekend=0),
    Character("all nights alike", calm=3, busy=0.1),
]
QUIET = [
    Character("office hours", calm=0.2, busy=4),
    Character("rarely, and long", calm=0.02, busy=0.05, tokens=40_000),
    Character("fails often", calm=1, busy=2, failing=0.12),
    Character("thinks long", calm=0.5, busy=1, duration_ms=40_000, spread=0.7),
    *NIGHTLY,
    *(pytest.param(each, marks=pytest.mark.torture) for each in MORE_QUIET),
]
BUSY = Character("busy all day", calm=13, busy=16, weekend=1)


def seeds(everyday: Sequence[int], *others: int) -> list[Any]:
    """Take weeks of these numbers, the *others* where there is more time."""
    torture = (pytest.param(other, marks=pytest.mark.torture) for other in others)
    return [*everyday, *torture]


# By the week of seed 1 the rules were made; the others they have never seen.
WEEKS = seeds([1000], 1, *range(1001, 1016))
FAULTY_WEEKS = seeds([2004], 3, 11, 22)
FAULTS = [
    pytest.param(fault, rule, id=fault.__name__)
    for fault, rule in (
        (runaway, AlertRuleName.TOKEN_SPIKE),
        (outage, AlertRuleName.ERROR_RATE),
        (most_of_an_outage, AlertRuleName.ERROR_RATE),
        (slowness, AlertRuleName.SLOW_RESPONSES),
    )
]
UNSEEN_FAULTY_WEEKS = range(2055, 2085)
LOOK_EVERY = 10  # seconds, as `metrics.app` does

NOW = BEGINNING + 7 * DAY


def minutes_of(*tokens: int) -> list[Minute]:
    """Make the last minutes before `NOW`, each of five calls of so many tokens."""
    return [
        Minute(NOW - ago * MINUTE, 5, 0, of_minute, Sketch({}))
        for ago, of_minute in zip(range(len(tokens), 0, -1), tokens, strict=True)
    ]


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - the same week in every run


def missed_after_two_minutes(fault: Fault, rule: AlertRuleName, seed: int) -> list[int]:
    """Return at which of the last seconds of two minutes a watcher has not found it.

    Looks may fall at any second, so there is one for each until the next look. They are
    put from the last to the first, for what is found is mostly found until it ends.
    """
    into_the_day = timedelta(hours=seed % 24, minutes=seed * 7 % 60, seconds=seed % 59)
    since = BEGINNING + 7 * DAY + into_the_day
    days = iter(busy_days(seed))
    week = Week(with_fault(days, fault, since=since, draw=seeded(seed)))
    assert not findings_at(since, week), "found before anything was wrong"
    return [
        last
        for last in range(120, 120 - LOOK_EVERY, -1)
        if not any(
            rule in findings_at(since + timedelta(seconds=at), week)
            for at in range(last, 0, -LOOK_EVERY)
        )
    ]


def findings_at(now: datetime, week: Week) -> set[AlertRuleName]:
    return {each.rule for each in findings(week.minutes(now), week.usual(now), now=now)}


@lru_cache(maxsize=32)
def busy_days(seed: int) -> Sequence[Call]:
    """Draw eight days once for all the faults that are put into them."""
    return [*BUSY.calls(8, seeded(seed))]


@pytest.mark.parametrize("seed", WEEKS)
@pytest.mark.parametrize("character", QUIET, ids=lambda each: each.name)
def test_a_quiet_week_raises_no_alert(
    character: Character | NightlyJob, seed: int
) -> None:
    week = Week(character.calls(DAYS, seeded(seed)))
    start = BEGINNING + 7 * DAY + timedelta(seconds=seed % 60)

    looks = [start + minute * MINUTE for minute in range(7 * 24 * 60)]
    found = [
        (now, each)
        for now in looks
        for each in findings(week.minutes(now), week.usual(now), now=now)
    ]

    assert found == []


@pytest.mark.parametrize("seed", FAULTY_WEEKS)
@pytest.mark.parametrize(("fault", "rule"), FAULTS)
def test_a_fault_is_found_within_two_minutes(
    fault: Fault, rule: AlertRuleName, seed: int
) -> None:
    assert missed_after_two_minutes(fault, rule, seed) == []


@pytest.mark.parametrize("seed", FAULTY_WEEKS)
@pytest.mark.parametrize("job", NIGHTLY, ids=lambda each: each.name)
def test_a_runaway_of_a_nightly_job_is_found_within_two_minutes(
    job: NightlyJob, seed: int
) -> None:
    draw = seeded(seed)
    calls = [*job.calls(8, draw)]
    since = next(each.at for each in calls if each.at >= BEGINNING + 7 * DAY)
    week = Week(with_fault(iter(calls), runaway, since=since, draw=draw))
    now = since + 2 * MINUTE

    [finding] = findings(week.minutes(now), week.usual(now), now=now)

    assert finding.rule is AlertRuleName.TOKEN_SPIKE


@pytest.mark.parametrize("seed", [2015, 3006])
def test_slowness_is_found_before_its_slowest_calls_have_ended(seed: int) -> None:
    """In these weeks few calls meet it at first, and only the shorter of them end."""
    assert missed_after_two_minutes(slowness, AlertRuleName.SLOW_RESPONSES, seed) == []


@pytest.mark.torture
@pytest.mark.parametrize(("fault", "rule"), FAULTS)
def test_faults_in_many_weeks_are_found_within_two_minutes(
    fault: Fault, rule: AlertRuleName
) -> None:
    missed = {
        seed: missed_after_two_minutes(fault, rule, seed)
        for seed in UNSEEN_FAULTY_WEEKS
    }

    assert {seed: each for seed, each in missed.items() if each} == {}


@pytest.mark.parametrize("seed", seeds([2025, 2043], 2034, 2040))
def test_a_runaway_of_few_and_short_calls_is_found_within_two_minutes(
    seed: int,
) -> None:
    """In these weeks a runaway spends the least at first."""
    assert missed_after_two_minutes(runaway, AlertRuleName.TOKEN_SPIKE, seed) == []


def test_a_finding_tells_what_was_seen_and_what_is_usual() -> None:
    since = BEGINNING + 7 * DAY + timedelta(hours=12)
    draw = seeded(1)
    week = Week(with_fault(BUSY.calls(8, draw), outage, since=since, draw=draw))
    now = since + 4 * MINUTE

    [finding] = findings(week.minutes(now), week.usual(now), now=now)

    assert finding.rule is AlertRuleName.ERROR_RATE
    assert finding.baseline == pytest.approx(0.02, abs=0.005)
    assert finding.figure > finding.threshold == 0.2
    assert (finding.since, finding.until) == (now - 2 * MINUTE, now)


def test_one_call_of_very_many_tokens_is_no_spike_and_many_calls_are() -> None:
    usual = Usual(quarters=[Amount(40, 60_000)], calls=1_000)

    one_long_call = findings(minutes_of(2_000, 3_000, 150_000, 2_500), usual, now=NOW)
    many_calls = findings(minutes_of(2_000, 70_000, 60_000, 50_000), usual, now=NOW)

    assert one_long_call == []
    assert [each.rule for each in many_calls] == [AlertRuleName.TOKEN_SPIKE]


def test_what_an_agent_did_at_once_before_is_no_spike() -> None:
    usual = Usual(quarters=[Amount(40, 600_000)], calls=1_000)
    at_once = replace(usual, busiest_five_minutes=Amount(35, 500_000))
    evenly = replace(usual, busiest_five_minutes=Amount(15, 230_000))
    minutes = minutes_of(200_000, 200_000, 200_000)

    found = [findings(minutes, each, now=NOW) for each in (usual, at_once, evenly)]

    assert [[each.threshold for each in some] for some in found] == [
        [580_000],
        [],
        [580_000],
    ]


def test_fewer_tokens_are_a_spike_if_there_are_as_many_calls_as_in_one() -> None:
    few_calls = Usual(quarters=[Amount(15, 600_000)], calls=1_000)
    many_calls = Usual(quarters=[Amount(40, 600_000)], calls=1_000)
    minutes = minutes_of(120_000, 120_000, 120_000)

    found = [findings(minutes, each, now=NOW) for each in (few_calls, many_calls)]

    assert [[each.threshold for each in some] for some in found] == [[292_000], []]


def test_an_agent_without_history_is_judged_by_what_holds_for_all() -> None:
    draw = seeded(1)
    since = BEGINNING + timedelta(hours=1)
    week = Week(with_fault(BUSY.calls(1, draw), outage, since=since, draw=draw))
    now = since + 3 * MINUTE

    found = findings(week.minutes(now), Usual(), now=now)

    assert [each.rule for each in found] == [AlertRuleName.ERROR_RATE]
    assert found[0].baseline is None


@pytest.mark.parametrize(
    ("hits", "among", "exact"), [(2, 3, 0.104), (10, 10, 0.2**10), (30, 100, 0.0112)]
)
def test_chance_is_bounded_from_above(hits: int, among: int, exact: float) -> None:
    bound = chance_of(hits, among=among, usual=0.2)

    assert exact * 0.999 <= bound < 1


def test_what_is_usual_is_no_surprise() -> None:
    assert chance_of(2, among=10, usual=0.2) == 1
    assert chance_of(0, among=10, usual=0.2) == 1


@pytest.mark.parametrize(
    ("mean", "among", "exact"),
    [
        (100, 1, 0.5),
        (100, 20, 0.5**20),
        (75, 20, 0.0207),  # 15 of 20 heads, or more
    ],
)
def test_chance_of_a_mean_is_bounded_from_above(
    mean: float, among: int, exact: float
) -> None:
    bound = chance_of_mean(mean, among=among, usual={0: 7, 100: 7})

    assert exact * 0.999 <= bound < 1


def test_a_usual_mean_is_no_surprise() -> None:
    assert chance_of_mean(50, among=1_000, usual={0: 7, 100: 7}) == 1
    assert chance_of_mean(20, among=1_000, usual={0: 7, 100: 7}) == 1
