"""What the tools of an agent may do in a minute, on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

import pytest

from ag2trust.testing import Stack
from agent_runner.limits.platform import PlatformLimits, ToolUser
from shared.contracts.agent_types import AgentLimits
from shared.errors import LimitedError, LimitTooSmallError
from shared.ids import new_id

from .record import ORG, open_record

USER = ToolUser(ORG, new_id(), 1, "ada", new_id())


@dataclass
class Tools:
    """Tools of agents on three runners, by the limits that a test sets."""

    runners: list[PlatformLimits] = field(default_factory=list)
    limits: AgentLimits = field(default_factory=AgentLimits)
    version: int = 1

    async def read(self, _: UUID, __: UUID) -> tuple[AgentLimits, int]:
        return self.limits, self.version

    def set(self, **limits: int) -> None:
        self.limits, self.version = AgentLimits(**limits), self.version + 1

    async def use(
        self, times: int, *, is_http_request: bool = False, user: ToolUser = USER
    ) -> int:
        """Use a tool so often at once, on any runner; return how often it ran."""
        outcomes: Sequence[object] = await asyncio.gather(
            *(
                self.runners[n % 3].take(user, is_http_request=is_http_request)
                for n in range(times)
            ),
            return_exceptions=True,
        )
        assert all(each is None or isinstance(each, LimitedError) for each in outcomes)
        return sum(each is None for each in outcomes)


@pytest.fixture
async def tools(stack: Stack) -> AsyncIterator[Tools]:
    tools = Tools()
    async with (
        open_record(stack) as record,
        record.runner("one") as one,
        record.runner("two") as two,
        record.runner("three") as three,
    ):
        tools.runners += (
            PlatformLimits(each, tools.read) for each in (one, two, three)
        )
        yield tools


async def test_five_tool_calls_a_minute_unless_the_type_says_otherwise(
    tools: Tools,
) -> None:
    assert await tools.use(1000) == 5


async def test_three_http_requests_a_minute_which_are_tool_calls_too(
    tools: Tools,
) -> None:
    assert await tools.use(10, is_http_request=True) == 3
    assert await tools.use(10) == 2


async def test_a_refused_http_request_takes_no_tool_call(tools: Tools) -> None:
    tools.set(tool_calls_per_minute=5, http_requests_per_minute=0)

    assert await tools.use(4, is_http_request=True) == 0
    assert await tools.use(10) == 5


async def test_each_agent_has_its_own(tools: Tools) -> None:
    other = ToolUser(ORG, new_id(), 1, "bob", USER.agent_type_id)

    assert await tools.use(9) == 5
    assert await tools.use(9, user=other) == 5


async def test_a_change_holds_at_once(tools: Tools) -> None:
    await tools.use(9)
    tools.set(tool_calls_per_minute=7)

    assert await tools.use(9) == 2


async def test_the_limits_of_another_type_hold_whatever_its_version(
    tools: Tools,
) -> None:
    await tools.use(9)
    tools.set(tool_calls_per_minute=6)
    tools.version = 0  # of a type that was changed less often
    reassigned = replace(USER, incarnation=2)

    assert await tools.use(9, user=reassigned) == 1


async def test_none_is_none(tools: Tools) -> None:
    tools.set(tool_calls_per_minute=0)

    with pytest.raises(LimitTooSmallError, match="allows 0 tool calls a minute"):
        await tools.runners[0].take(USER)
