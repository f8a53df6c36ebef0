"""The rules about an agent's traffic, as judgements without clock or memory.

Each compares the agent with itself, and each has a floor below which nothing is worth
a look. Where chance could have made what is seen, nothing is found: an agent is judged
sixty thousand times a week, so what chance makes once in a thousand would be an alarm
every hour.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from metrics.rollups.sketch import Sketch, bins_between
from shared.contracts.alerts import AlertRuleName

from .surprise import chance_of, chance_of_mean
from .traffic import Amount, Minute, Usual, Window, window

__all__ = ["LONGEST_WINDOW", "Finding", "findings", "token_spike"]

LONGEST_WINDOW = timedelta(minutes=15)

_SPIKE_WINDOW = timedelta(minutes=5)
_SHORT_AND_LONG = (timedelta(minutes=3), LONGEST_WINDOW)
# Of what is slow little has ended: what ended before would hide it a minute longer.
_SHORTER_TOO = (timedelta(minutes=2), *_SHORT_AND_LONG)

_FEWEST_CALLS = 10
_FEWEST_TIMES = 8
_FEWEST_TOKENS = 100_000
_OF_THE_BUSIEST_QUARTER = 0.8
_TIMES_THE_BUSIEST_FIVE_MINUTES = 2.0
_WHERE_CALLS_ARE_MANY_TOO = 0.4
_BESIDE_THE_BUSIEST_MINUTE = 0.3  # of the threshold
_LOWEST_ERROR_RATE = 0.2
_FASTEST_SLOW_MS = 3_000.0
_SLOW_FOR_ANYBODY_MS = 120_000.0
_TIMES_SLOWER = 2.0
_SLOWER_AT_LEAST = 1.5  # than usual: less is a change of the load
_ONLY_CHANCE = 3e-7
_ONLY_CHANCE_OF_A_SHIFT = 1e-5  # beyond `_SLOWER_AT_LEAST`: of usual calls far less
_95TH = 0.95


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of an agent, in *unit*; the *message* is for people."""

    rule: AlertRuleName
    figure: float
    threshold: float
    baseline: float | None
    unit: str
    since: datetime
    until: datetime
    message: str


def findings(
    minutes: Sequence[Minute], usual: Usual, *, now: datetime
) -> list[Finding]:
    """Judge an agent by its last *minutes*; at most one finding of each rule."""
    spike = token_spike(minutes, usual, now=now)
    found = [spike] if spike else []
    for judge, lengths in (
        (_error_rate, _SHORT_AND_LONG),
        (_slow_responses, _SHORTER_TOO),
    ):
        for length in lengths:
            finding = judge(window(minutes, until=now, length=length), usual)
            if finding:
                found.append(finding)
                break
    return found


def token_spike(
    minutes: Sequence[Minute], usual: Usual, *, now: datetime
) -> Finding | None:
    """Compare five minutes with what was the most about this time of the day.

    Fewer tokens make one if there are as many calls as in a spike, too: what a call
    takes differs by factors, so that chance alone makes much of it. One minute alone
    makes no spike: a single long call is as much as many.
    """
    seen = window(minutes, until=now, length=_SPIKE_WINDOW)
    if not usual.has_history or seen.calls < _FEWEST_CALLS:
        return None
    tokens = [each.tokens for each in usual.quarters]
    threshold = _FEWEST_TOKENS + _many_tokens(seen, usual)
    others = seen.tokens - seen.tokens_of_busiest_minute
    if seen.tokens <= threshold or others < _BESIDE_THE_BUSIEST_MINUTE * threshold:
        return None
    mean = sum(tokens) / max(len(tokens), 1) / 3
    return _finding(
        AlertRuleName.TOKEN_SPIKE,
        seen,
        figure=seen.tokens,
        threshold=threshold,
        baseline=mean,
        unit="tokens in 5 minutes",
        message=(
            f"{seen.tokens:,} tokens in five minutes; usual at this time of the day "
            f"are {mean:,.0f}, and at most {max(tokens, default=0):,} in fifteen."
        ),
    )


def _many_tokens(seen: Window, usual: Usual) -> float:
    five_minutes = usual.busiest_five_minutes or Amount()
    calls = (each.calls for each in usual.quarters)
    tokens = (each.tokens for each in usual.quarters)
    many_tokens = _much_in_five_minutes(tokens, five_minutes.tokens)
    if seen.calls <= _much_in_five_minutes(calls, five_minutes.calls):
        return many_tokens
    return _WHERE_CALLS_ARE_MANY_TOO * many_tokens


def _much_in_five_minutes(quarters: Iterable[int], busiest_five_minutes: int) -> float:
    """Expect an even quarter of an hour, unless five minutes had much of it."""
    return max(
        _OF_THE_BUSIEST_QUARTER * max(quarters, default=0),
        _TIMES_THE_BUSIEST_FIVE_MINUTES * busiest_five_minutes,
    )


def _error_rate(seen: Window, usual: Usual) -> Finding | None:
    """Look for a fifth of calls that fail, where chance does not make that."""
    if seen.calls < _FEWEST_CALLS:
        return None
    rate = seen.failed_calls / seen.calls
    if rate < _LOWEST_ERROR_RATE:
        return None
    usual_rate = (usual.failed_calls + 1) / (usual.calls + 50)
    chance = chance_of(seen.failed_calls, among=seen.calls, usual=usual_rate)
    if chance > _ONLY_CHANCE:
        return None
    baseline = usual.failed_calls / usual.calls if usual.has_history else None
    return _finding(
        AlertRuleName.ERROR_RATE,
        seen,
        figure=rate,
        threshold=_LOWEST_ERROR_RATE,
        baseline=baseline,
        unit="failed of all calls",
        message=(
            f"{seen.failed_calls:,} of {seen.calls:,} calls failed"
            + ("." if baseline is None else f"; usual are {baseline:.1%}.")
        ),
    )


def _slow_responses(seen: Window, usual: Usual) -> Finding | None:
    """Look for a 95th percentile far above the usual, where chance does not make it."""
    usual_95th = _95th(usual) if usual.has_history else None
    slow_ms = _slow_ms(usual_95th)
    times = seen.response_times
    seen_95th = times.percentile(_95TH)
    if times.count < _FEWEST_TIMES or seen_95th is None or seen_95th <= slow_ms:
        return None
    if (
        _chance_of_slow(times, usual, slow_ms) > _ONLY_CHANCE
        and _chance_of_shift(times, usual) > _ONLY_CHANCE_OF_A_SHIFT
    ):
        return None
    return _finding(
        AlertRuleName.SLOW_RESPONSES,
        seen,
        figure=seen_95th,
        threshold=slow_ms,
        baseline=usual_95th,
        unit="ms at the 95th percentile",
        message=(
            f"One of twenty calls takes {seen_95th / 1000:,.1f} s"
            + ("." if usual_95th is None else f", usually {usual_95th / 1000:,.1f} s.")
        ),
    )


def _chance_of_slow(times: Sketch, usual: Usual, slow_ms: float) -> float:
    """Judge how many are slow: a few calls that hang are found by that."""
    usually_slow = usual.response_times.count_above(slow_ms)
    return chance_of(
        times.count_above(slow_ms),
        among=times.count,
        usual=(usually_slow + 1) / (usual.response_times.count + 50),
    )


def _chance_of_shift(times: Sketch, usual: Usual) -> float:
    """Judge how slow all are: sooner where the slowest have not ended yet.

    Were each usual call half as long again, and one more as long as the longest now.
    """
    if not usual.has_history:
        return 1.0
    slower = bins_between(_SLOWER_AT_LEAST)
    counts = Counter(usual.response_times.counts)
    counts[max(times.counts)] += 1
    mean = sum(place * count for place, count in times.counts.items()) / times.count
    return chance_of_mean(mean - slower, among=times.count, usual=counts)


def _slow_ms(usual_95th: float | None) -> float:
    """Twice the usual, or what is slow for anybody where that is less."""
    if usual_95th is None:
        return _SLOW_FOR_ANYBODY_MS
    absolute = max(_SLOW_FOR_ANYBODY_MS, _SLOWER_AT_LEAST * usual_95th)
    return max(_FASTEST_SLOW_MS, min(_TIMES_SLOWER * usual_95th, absolute))


def _95th(usual: Usual) -> float | None:
    return usual.response_times.percentile(_95TH)


def _finding(
    rule: AlertRuleName,
    seen: Window,
    *,
    figure: float,
    threshold: float,
    baseline: float | None,
    unit: str,
    message: str,
) -> Finding:
    return Finding(
        rule=rule,
        figure=figure,
        threshold=threshold,
        baseline=baseline,
        unit=unit,
        since=seen.since,
        until=seen.until,
        message=message,
    )
