"""The stand-in for the bus keeps the promises of the real one."""

import pytest

from shared.bus import Bus, answer
from shared.contracts.agent_runner import WAKE, Wake
from shared.contracts.base import Empty, Message
from shared.contracts.metrics import PING
from shared.errors import LimitedError, UnavailableError
from shared.ids import new_id
from shared.testing import FakeBus


class OwnLimitError(LimitedError):
    """Of one service alone, unknown to whoever asks it."""

    code = "OF_ITS_OWN"


def _raising(error: Exception) -> FakeBus:
    async def fail(_: Empty) -> Empty:
        raise error

    bus = FakeBus()
    bus.serve(answer(PING, fail))
    return bus


async def test_a_question_nobody_answers_is_unavailable() -> None:
    bus: Bus = FakeBus()

    with pytest.raises(UnavailableError):
        await bus.ask(PING, Empty())


async def test_an_error_comes_back_as_it_does_over_the_wire() -> None:
    bus = _raising(OwnLimitError("Slowly.", retry_after_seconds=3))

    with pytest.raises(LimitedError) as caught:
        await bus.ask(PING, Empty())

    assert type(caught.value) is LimitedError
    assert caught.value.code == "OF_ITS_OWN"
    assert caught.value.retry_after_seconds == 3


async def test_a_bug_comes_through_as_it_is() -> None:
    bus = _raising(KeyError("A bug."))

    with pytest.raises(KeyError):
        await bus.ask(PING, Empty())


async def test_signals_are_heard_by_key_while_the_block_runs() -> None:
    bus = FakeBus()
    mine, other = Wake(agent_id=new_id()), Wake(agent_id=new_id())
    heard: list[Message] = []
    all_heard: list[Message] = []

    async with (
        bus.hearing(WAKE, heard.append, key=mine.agent_id),
        bus.hearing(WAKE, all_heard.append),
    ):
        await bus.signal(WAKE, mine, key=mine.agent_id)
        await bus.signal(WAKE, other, key=other.agent_id)
    await bus.signal(WAKE, mine, key=mine.agent_id)

    assert heard == [mine]
    assert all_heard == [mine, other]
    assert len(bus.signalled) == 3
