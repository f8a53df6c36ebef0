from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from agent_runner.attempt_log import AttemptLog
from agent_runner.attempts import Attempts, Refused
from agent_runner.runtimes.agent_output import AgentOutput
from agent_runner.runtimes.errors import EngineUnavailableError

ADA, BOB = UUID(int=1), UUID(int=2)


class Counting:
    """A runtime that counts refused packets; None while its engine is away."""

    def __init__(self) -> None:
        self.packets: Mapping[UUID, int] | None = {}
        self.outputs: dict[UUID, AgentOutput] = {}

    async def refused(self) -> Mapping[UUID, int]:
        if self.packets is None:
            raise EngineUnavailableError("Away.")
        return self.packets

    def output(self, agent_id: UUID) -> AgentOutput | None:
        return self.outputs.get(agent_id)


class Watch:
    def __init__(self) -> None:
        self.attempts = Attempts()
        self.runtime = Counting()
        self._log = AttemptLog(self.attempts, self.runtime)  # type: ignore[arg-type]

    async def told(self) -> list[dict[str, Any]]:
        """Return what one look logs."""
        with capture_logs() as logged:
            await self._log._look()
        return [dict(each) for each in logged]

    async def told_of_packets(self, packets: Mapping[UUID, int]) -> list[int]:
        self.runtime.packets = packets
        return [each["times"] for each in await self.told()]


@pytest.fixture
def watch() -> Watch:
    return Watch()


async def test_a_flood_is_one_line_that_names_the_agent(watch: Watch) -> None:
    for _ in range(10_000):
        watch.attempts.note(Refused.TOKEN, of=ADA)

    assert await watch.told() == [
        {
            "event": "attempt.refused",
            "log_level": "warning",
            "refused": "token",
            "agent": str(ADA),
            "times": 10_000,
        }
    ]


async def test_nothing_is_told_twice_and_where_nothing_was_tried_nothing_is_told(
    watch: Watch,
) -> None:
    before = await watch.told()
    watch.attempts.note(Refused.EXTERNAL_TOKEN)
    [told] = await watch.told()

    assert (before, await watch.told()) == ([], [])
    assert told["agent"] is None


async def test_of_packets_only_new_ones_are_told(watch: Watch) -> None:
    assert await watch.told_of_packets({ADA: 3}) == [3]
    assert await watch.told_of_packets({ADA: 3}) == []
    assert await watch.told_of_packets({ADA: 5, BOB: 1}) == [2, 1]


async def test_a_count_that_began_anew_is_not_taken_for_less(watch: Watch) -> None:
    await watch.told_of_packets({ADA: 3})

    assert await watch.told_of_packets({ADA: 1}) == [1]
    assert await watch.told_of_packets({}) == []
    assert await watch.told_of_packets({ADA: 1}) == [1]


async def test_without_its_engine_the_rest_is_told(watch: Watch) -> None:
    watch.runtime.packets = None
    watch.attempts.note(Refused.KEY, of=ADA)

    with capture_logs() as logged, pytest.raises(EngineUnavailableError):
        await watch._log._look()

    assert [each["refused"] for each in logged] == ["key"]


async def test_it_stands_in_the_log_of_the_agent_that_tried(watch: Watch) -> None:
    for agent_id in (ADA, BOB):
        watch.runtime.outputs[agent_id] = AgentOutput(())
        watch.runtime.outputs[agent_id].hear(b"thinking")

    await watch.told_of_packets({ADA: 3})

    assert watch.runtime.outputs[ADA].text() == (
        "thinking\n[ag2trust] refused: sent packets to ports of the host that are "
        "closed to agents (3 x)\n"
    )
    assert watch.runtime.outputs[BOB].text() == "thinking"
