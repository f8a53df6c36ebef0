"""Deadlines are enforced whatever becomes of those before."""

import asyncio

from agent_runner.http.deadlines import watching_deadlines


class Expiring:
    def __init__(self, *, is_faulty: bool = False) -> None:
        self.deadline = 0.0
        self.has_expired = asyncio.Event()
        self._is_faulty = is_faulty

    def expire(self) -> None:
        self.has_expired.set()
        self.deadline = float("inf")
        if self._is_faulty:
            raise LookupError(self)


async def test_one_that_fails_stops_no_later_ones() -> None:
    faulty, later = Expiring(is_faulty=True), Expiring()
    async with asyncio.timeout(30), watching_deadlines() as deadlines:
        deadlines.add(faulty)
        await faulty.has_expired.wait()

        deadlines.add(later)

        await later.has_expired.wait()
