from datetime import UTC, datetime

from agent_runner.proxy.written_clock import WrittenClock

SECOND_NS = 1_000_000_000


def test_times_are_written_as_they_are_read_again() -> None:
    noon = datetime(2026, 11, 29, 12, tzinfo=UTC)
    noon_ns = int(noon.timestamp()) * SECOND_NS
    later = [noon_ns, noon_ns + 1_000, noon_ns + SECOND_NS, noon_ns - 1]
    clock = WrittenClock(iter(later).__next__)

    written = [clock.read() for _ in later]

    assert written == [
        "2026-11-29T12:00:00.000000+00:00",
        "2026-11-29T12:00:00.000001+00:00",
        "2026-11-29T12:00:01.000000+00:00",
        "2026-11-29T11:59:59.999999+00:00",
    ]
