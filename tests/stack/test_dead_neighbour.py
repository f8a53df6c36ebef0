"""What a caller hears while a part of the stack is silent: 503, why, and when to retry.

Stopped with SIGSTOP, for what is killed is back before anybody could ask.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ag2trust.operator import Answer
from ag2trust.readiness import until_ready
from ag2trust.waiting import until

from .whole import Whole

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

OK = 200
SILENT_SECONDS = 12
READY_SECONDS = 60
PATHS = {
    "credentials": "/api/providers",
    "agent_runner": "/api/agents",
    "metrics": "/api/calls",
}


@pytest.fixture(scope="module")
def runtime() -> str:
    return "process"


@pytest.mark.parametrize("silent", [[*PATHS], ["nats"]], ids=["services", "nats"])
async def test_a_silent_neighbour_is_told_as_503_and_readiness_names_it(
    whole: Whole, silent: list[str]
) -> None:
    operator = whole.operator

    async with _silenced(whole, *silent), asyncio.timeout(SILENT_SECONDS):
        answers = await asyncio.gather(
            _until_missing(whole, set(silent)),
            *(operator.ask("GET", path) for path in PATHS.values()),
        )

    for answer in answers:
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
    for answer in answers[1:]:
        assert answer.body["error_code"] == "SERVICE_UNAVAILABLE"
        assert answer.body["error"].endswith("does not answer right now.")
    await until_ready(whole.place.gateway_url, seconds=READY_SECONDS)
    for path in PATHS.values():
        assert (await operator.ask("GET", path)).status == 200


async def _until_missing(whole: Whole, names: set[str]) -> Answer:
    """Ask for readiness until it misses *names*, which may take it a while."""
    return await until(
        f"readiness without {names}",
        lambda: whole.operator.ask("GET", "/readyz"),
        lambda told: told.status != OK and set(told.body["missing"]) >= names,
    )


@asynccontextmanager
async def _silenced(whole: Whole, *names: str) -> AsyncIterator[None]:
    pids = [whole.place.pid_of(name) for name in names]
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
