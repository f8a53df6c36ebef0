"""What the last minute's calls add up to."""

from datetime import UTC, datetime, timedelta

from ag2trust.commands.recent_calls import RecentCall, RecentCalls, Row

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def call(
    name: str, agent: str = "ada", *, failed: bool = False, seconds_ago: int = 1
) -> RecentCall:
    return RecentCall(
        id=name,
        agent=agent,
        model="m",
        failed=failed,
        tokens=10,
        duration_ms=None if failed else 20,
        ended_at=NOW - timedelta(seconds=seconds_ago),
    )


def test_calls_add_up_by_agent_and_one_that_comes_twice_counts_once() -> None:
    recent = RecentCalls()
    for each in (call("1", "bob"), call("2"), call("2"), call("3", failed=True)):
        recent.add(each)

    assert recent.rows(NOW) == [
        Row("ada", calls=2, errors=1, tokens=20, average_ms=20, models="m"),
        Row("bob", calls=1, errors=0, tokens=10, average_ms=20, models="m"),
    ]


def test_a_minute_later_they_are_forgotten() -> None:
    recent = RecentCalls()
    recent.add(call("1", seconds_ago=61))
    recent.add(call("2", seconds_ago=59))

    assert [row.calls for row in recent.rows(NOW)] == [1]
    assert recent.rows(NOW + timedelta(minutes=1)) == []
