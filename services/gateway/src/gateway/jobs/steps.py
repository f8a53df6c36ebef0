"""The steps of jobs: what is asked of which service, and how that came out.

Each begins by looking at what is there, so that it may be done again by whoever goes on
after a crash. Raises nothing that was foreseen: an error is an outcome.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias
from uuid import UUID

from shared.bus import Bus
from shared.clock import Clock, utc_now
from shared.contracts.agent_types import (
    GET_AGENT_TYPE,
    LIST_AGENT_TYPES,
    UPDATE_AGENT_TYPE,
    AgentType,
    AgentTypePatch,
    UpdateAgentType,
)
from shared.contracts.credentials import DELETE_PROVIDER, ProviderQuestion
from shared.contracts.jobs import (
    AgentProgress,
    Job,
    JobAgent,
    JobAgentType,
    StepName,
)
from shared.contracts.probes import PROBE_PROVIDER
from shared.contracts.rotations import (
    DISCARD_SECRET,
    RETIRE_PROVIDER,
    SWITCH_SECRET,
    RetireProvider,
)
from shared.errors import (
    AgentTypeNotFoundError,
    AppError,
    PreconditionFailedError,
    ProviderInUseError,
    ProviderNotFoundError,
    UnavailableError,
)

from .explanations import explained
from .moving import found_type, moved, moved_back, names
from .planning import Away, Done, Hindered, Outcome, Refused, Unfinished
from .restarting import is_over
from .restarts import Restarts
from .work import Work

__all__ = ["Steps"]

_Change: TypeAlias = Callable[[AgentType, JobAgentType], AgentTypePatch | None]


class Steps:
    def __init__(self, bus: Bus, *, now: Clock = utc_now) -> None:
        self._bus = bus
        self._restarts = Restarts(bus, now=now)
        self._steps: dict[StepName, Callable[[Work], Awaitable[Outcome]]] = {
            StepName.TEST: self._test,
            StepName.SWITCH: self._switch,
            StepName.RETIRE: self._retire,
            StepName.MOVE: self._move,
            StepName.RESTART: self._restart,
            StepName.DELETE: self._delete,
            StepName.REINSTATE: self._reinstate,
            StepName.MOVE_BACK: self._move_back,
            StepName.RESTART_BACK: self._restart_back,
            StepName.DISCARD: self._discard,
        }

    async def take(self, step: StepName, job: Job, *, org_id: UUID) -> Outcome:
        """Take a step as far as it goes now."""
        try:
            return await self._steps[step](Work(org_id, job))
        except UnavailableError as error:
            return Away(explained(error))
        except AppError as error:
            return Refused(explained(error))

    async def _test(self, work: Work) -> Outcome:
        """Call the new secret once, or the provider that is moved to."""
        result = await self._bus.ask(PROBE_PROVIDER, work.probe())
        if result.ok or result.explanation is None:
            return Done(work.job)
        if result.explanation.retryable:
            return Hindered(result.explanation)
        return Refused(result.explanation)

    async def _switch(self, work: Work) -> Outcome:
        await self._bus.ask(SWITCH_SECRET, work.rotation())
        return Done(work.job)

    async def _discard(self, work: Work) -> Outcome:
        await self._bus.ask(DISCARD_SECRET, work.rotation())
        return Done(work.job)

    async def _retire(self, work: Work) -> Outcome:
        await self._set_retiring(work, is_retiring=True)
        return Done(work.job)

    async def _reinstate(self, work: Work) -> Outcome:
        try:
            await self._set_retiring(work, is_retiring=False)
        except ProviderNotFoundError:
            return Done(work.job)
        return Done(work.job)

    async def _move(self, work: Work) -> Outcome:
        """Find the types that name the old provider, and then give them the new one."""
        if work.job.agent_types is None:
            found = await self._types_naming(work, work.old)
            return Unfinished(work.learned(agent_types=found))

        def change(agent_type: AgentType, _: JobAgentType) -> AgentTypePatch | None:
            return moved(agent_type, old=work.old, new=work.new)

        return await self._changed(work, change)

    async def _move_back(self, work: Work) -> Outcome:
        def change(
            agent_type: AgentType, before: JobAgentType
        ) -> AgentTypePatch | None:
            return moved_back(agent_type, before, old=work.old, new=work.new)

        return await self._changed(work, change)

    async def _restart(self, work: Work) -> Outcome:
        """Restart who is concerned; whoever came to be concerned meanwhile, too.

        If some do not come up, and the provider that they were moved to does not pass
        its test any more, that is why.
        """
        if work.job.agents is None:
            found = await self._restarts.concerned(work)
            return Unfinished(work.learned(agents=found))
        agents = await self._restarts.brought_on(work)
        if work.job.to_provider_id and _skipped(agents) > _skipped(work.job.agents):
            test = await self._test(work)
            if isinstance(test, Refused):
                return test
        if is_over(agents):
            late = await self._restarts.latecomers(work)
            if not late:
                return Done(work.learned(agents=agents))
            agents += late
        return Unfinished(work.learned(agents=agents))

    async def _restart_back(self, work: Work) -> Outcome:
        if work.job.agents is None:
            found = await self._restarts.gone_over(work)
            return Unfinished(work.learned(agents=found))
        agents = await self._restarts.brought_on(work)
        outcome = Done if is_over(agents) else Unfinished
        return outcome(work.learned(agents=agents))

    async def _delete(self, work: Work) -> Outcome:
        """Remove the old provider; agents may take a moment to let it go."""
        question = ProviderQuestion(
            org_id=work.org_id, actor=work.job.actor, provider_id=work.old
        )
        try:
            await self._bus.ask(DELETE_PROVIDER, question)
        except ProviderNotFoundError:
            return Done(work.job)
        except ProviderInUseError as error:
            return Hindered(explained(error))
        return Done(work.job)

    async def _set_retiring(self, work: Work, *, is_retiring: bool) -> None:
        question = RetireProvider(
            org_id=work.org_id,
            actor=work.job.actor,
            provider_id=work.old,
            is_retiring=is_retiring,
        )
        await self._bus.ask(RETIRE_PROVIDER, question)

    async def _types_naming(self, work: Work, provider_id: UUID) -> list[JobAgentType]:
        found: list[JobAgentType] = []
        cursor: str | None = None
        while True:
            page = await self._bus.ask(LIST_AGENT_TYPES, work.page(cursor))
            found += [
                found_type(each) for each in page.data if names(each, provider_id)
            ]
            cursor = page.next_cursor
            if cursor is None:
                return found

    async def _changed(self, work: Work, change: _Change) -> Outcome:
        try:
            for before in work.job.agent_types or ():
                await self._change_type(work, before, change)
        except PreconditionFailedError:  # somebody has just changed it: look again
            return Unfinished(work.job)
        return Done(work.job)

    async def _change_type(
        self, work: Work, before: JobAgentType, change: _Change
    ) -> None:
        """Change one type, unless that is done already, or it is gone."""
        try:
            agent_type = await self._bus.ask(GET_AGENT_TYPE, work.agent_type(before.id))
        except AgentTypeNotFoundError:
            return
        patch = change(agent_type, before)
        if patch is None:
            return
        question = UpdateAgentType(
            org_id=work.org_id,
            actor=work.job.actor,
            agent_type_id=before.id,
            patch=patch,
            if_version=agent_type.version,
        )
        await self._bus.ask(UPDATE_AGENT_TYPE, question)


def _skipped(agents: Sequence[JobAgent]) -> int:
    return sum(agent.progress is AgentProgress.SKIPPED for agent in agents)
