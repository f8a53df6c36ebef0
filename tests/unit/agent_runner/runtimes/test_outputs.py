from uuid import UUID

from agent_runner.runtimes.agent_output import AgentOutput
from agent_runner.runtimes.outputs import Outputs


async def test_what_an_agent_prints_now_takes_the_place_of_what_it_did() -> None:
    outputs, now = Outputs(), AgentOutput(())

    outputs.keep(UUID(int=1), AgentOutput(()))
    outputs.keep(UUID(int=1), now)

    assert outputs.of(UUID(int=1)) is now
    assert outputs.of(UUID(int=2)) is None


async def test_of_those_that_ended_only_the_last_are_kept() -> None:
    outputs = Outputs(most_ended=2)
    for number in range(6):
        output = AgentOutput(())
        if number > 0:
            output.end()
        outputs.keep(UUID(int=number), output)

    kept = [number for number in range(6) if outputs.of(UUID(int=number))]
    assert kept == [0, 4, 5]
