"""What a round begins, where nothing but the record has an answer."""

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, cast

from agent_runner.hosted_agents import HostedAgents
from agent_runner.hosting.hosting import Hosting
from agent_runner.hosting.rhythm import Rhythm
from agent_runner.repositories.hosting import Assignment
from agent_runner.tenure import Tenure
from shared.contracts.agent_runner import AgentStatus, DesiredState
from shared.ids import new_id


class Record:
    """Has one agent to launch, and ends the hosting in the round that begins it."""

    hosting: "asyncio.Task[None]"

    async def assignments(self) -> list[Assignment]:
        self.hosting.cancel()
        return [
            Assignment(
                agent_id=new_id(),
                org_id=new_id(),
                name="ada",
                agent_type_id=new_id(),
                agent_type_version=1,
                desired_state=DesiredState.RUNNING,
                status=AgentStatus.STARTING,
                incarnation=1,
                holds_use=True,
                moves_on=False,
                newest_type_version=1,
            )
        ]

    async def unreleased(self) -> list[Assignment]:
        return []


class Idle:
    """Placement and runtime that have nothing to do."""

    async def place(self) -> None: ...

    async def survey(self) -> list[Any]:
        return []

    async def exits(self) -> AsyncIterator[Any]:
        await asyncio.Event().wait()
        yield


async def test_a_launch_that_ends_before_its_first_step_leaves_nothing_begun() -> None:
    record, idle = Record(), cast(Any, Idle())
    tenure = Tenure(runner="runner-1", epoch=1, asked_at=0.0)
    hosting = Hosting(
        repository=cast(Any, record),
        tenure=tenure,
        placement=idle,
        life=cast(Any, None),
        runtime=idle,
        hosted=HostedAgents(tenure),
        most_launches=1,
        rhythm=Rhythm(),
    )

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        record.hosting = asyncio.create_task(hosting.run())
        with suppress(asyncio.CancelledError):
            await record.hosting
        gc.collect()

    assert [str(each.message) for each in caught] == []
