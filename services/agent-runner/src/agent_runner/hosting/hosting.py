"""Hosting: making what is match what should be, for the agents of this runner.

Every round compares the record (PostgreSQL) with what is hosted here and starts at most
one job for each agent. Launches wait for their turn, and nothing else waits for them: a
launch that the record does not ask for any more is given up where it stands. A failure
is told in the agent's status and tried again after a growing pause. An agent whose
provider is not ready is `ack_only`: no process is started for it, or none is ended, and
every round acknowledges what waits for it. What runs here of an agent that is not
hosted is ended, before a launch at the latest: an earlier process left it, which alone
knew its token and keys.
"""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog

from agent_runner.explanations import ACK_ONLY_ERRORS, explained
from agent_runner.hosted_agents import HostedAgent, HostedAgents
from agent_runner.placement import Placement
from agent_runner.repositories.hosting import Assignment, HostingRepository
from agent_runner.runtimes.runtime import Runtime
from agent_runner.tenure import Tenure
from shared.clock import Clock, utc_now
from shared.contracts.agent_runner import AgentStatus, Wake
from shared.contracts.base import Explanation
from shared.contracts.credentials import ProviderChanged
from shared.errors import AppError, UnavailableError
from shared.lifecycle import every

from .agent_life import AgentLife, exit_error
from .agent_state import Move, Trouble, next_move
from .launch_queue import LaunchQueue
from .rhythm import Rhythm

__all__ = ["Hosting"]

log = structlog.get_logger(__name__)

_GRACE = timedelta(seconds=30)
_GRACE_AT_SHUTDOWN = timedelta(seconds=5)


class Hosting:
    def __init__(
        self,
        *,
        repository: HostingRepository,
        tenure: Tenure,
        placement: Placement,
        life: AgentLife,
        runtime: Runtime,
        hosted: HostedAgents,
        most_launches: int,
        rhythm: Rhythm,
        now: Clock = utc_now,
    ) -> None:
        self._repository = repository
        self._tenure = tenure
        self._placement = placement
        self._life = life
        self._runtime = runtime
        self._hosted = hosted
        self._launches = LaunchQueue(most_launches)
        self._rhythm = rhythm
        self._now = now
        self._woken = asyncio.Event()
        self._busy: set[UUID] = set()
        self._launching: dict[UUID, _Launching] = {}
        self._trouble: dict[UUID, Trouble] = {}
        self._not_ready: dict[UUID, _NotReady] = {}

    def wake(self, wake: Wake) -> None:
        """Look at once: an agent of ours has changed, or there is a message for it."""
        agent = self._hosted.find(wake.agent_id)
        if agent is not None and wake.cancelled_message_id is not None:
            agent.drop(wake.cancelled_message_id)
        if wake.has_message and agent is not None and agent.not_ready is None:
            agent.woken.set()
            return
        self._woken.set()

    def look(self) -> None:
        """Look at once: an agent here has become ready, or ceased to be."""
        self._woken.set()

    def provider_changed(self, changed: ProviderChanged) -> None:
        """Try at once to launch the agents that a provider may have kept waiting."""
        for agent_id, waiting in self._not_ready.items():
            if waiting.org_id == changed.org_id:
                self._trouble.pop(agent_id, None)
        self._woken.set()

    async def run(self) -> None:
        """Host until cancelled; then end the agents here: a later run launches them."""
        try:
            async with asyncio.TaskGroup() as jobs:
                jobs.create_task(self._sweeps(jobs))
                jobs.create_task(self._rounds(jobs))
                jobs.create_task(self._watch_exits())
        finally:
            await self._end_all()

    async def _end_all(self) -> None:
        """End them at once where nothing they say would count any more."""
        grace = _GRACE_AT_SHUTDOWN if self._tenure.is_held else timedelta()
        async with asyncio.TaskGroup() as endings:
            for agent in self._hosted:
                endings.create_task(self._life.end(agent, grace=grace))

    async def _sweeps(self, jobs: asyncio.TaskGroup) -> None:
        async def sweep() -> None:
            for placed in await self._runtime.survey():
                if self._hosted.find(placed.agent_id) is None:
                    work = self._life.end_leftover(placed.agent_id)
                    self._begin(jobs, placed.agent_id, work)

        await every(self._rhythm.sweep, sweep, name="leftovers")

    async def _rounds(self, jobs: asyncio.TaskGroup) -> None:
        async def look() -> None:
            await self._round(jobs)

        await every(self._rhythm.round, look, name="hosting", woken=self._woken)

    async def _round(self, jobs: asyncio.TaskGroup) -> None:
        await self._placement.place()
        assignments = await self._repository.assignments()
        asking: dict[UUID, Assignment] = {}
        for assignment in assignments:
            if self._is_to_launch(assignment):
                asking[assignment.agent_id] = assignment
            else:
                self._consider(jobs, assignment)
        for agent_id in self._launches.admit(asking):
            self._begin(jobs, agent_id, self._launch(asking[agent_id]))
        ours = {each.agent_id: each for each in assignments}
        self._give_up_launches(ours)
        for agent in self._hosted:
            if agent.id not in ours:
                self._begin(jobs, agent.id, self._life.end(agent, grace=timedelta()))
        for assignment in await self._repository.unreleased():
            self._begin(jobs, assignment.agent_id, self._life.release(assignment))

    def _is_to_launch(self, assignment: Assignment) -> bool:
        agent_id = assignment.agent_id
        move = _move(assignment, self._hosted.find(agent_id))
        return (
            move is Move.LAUNCH
            and agent_id not in self._busy
            and not self._is_held_off(assignment)
        )

    def _give_up_launches(self, ours: Mapping[UUID, Assignment]) -> None:
        """Cancel launches of what is to be stopped, restarted or hosted elsewhere."""
        for agent_id, launching in self._launching.items():
            assignment = ours.get(agent_id)
            if assignment and _keeps(assignment, launching.incarnation):
                continue
            if not launching.task.cancelling():
                launching.task.cancel()
                log.info("launch.given_up", agent=str(agent_id))

    def _is_held_off(self, assignment: Assignment) -> bool:
        trouble = self._trouble.get(assignment.agent_id)
        return trouble is not None and trouble.holds(
            assignment.incarnation, now=self._now()
        )

    def _consider(self, jobs: asyncio.TaskGroup, assignment: Assignment) -> None:
        agent = self._hosted.find(assignment.agent_id)
        move = _move(assignment, agent)
        if move is not Move.NOTHING:
            self._begin(jobs, assignment.agent_id, self._made(move, assignment, agent))
        elif agent is not None and agent.type_version < assignment.newest_type_version:
            self._begin(jobs, agent.id, self._life.reroute(assignment, agent))
        elif agent is not None and agent.not_ready is not None:
            work = self._life.acknowledge(assignment, agent.not_ready)
            self._begin(jobs, assignment.agent_id, work)
        elif agent is not None and assignment.status is AgentStatus.ACK_ONLY:
            work = self._life.resume(assignment, agent)
            self._begin(jobs, assignment.agent_id, work)

    def _begin(
        self, jobs: asyncio.TaskGroup, agent_id: UUID, work: Coroutine[Any, Any, None]
    ) -> None:
        """Do *work* unless the agent is being worked on; then the next round asks."""
        if agent_id in self._busy:
            work.close()
            return
        self._busy.add(agent_id)
        job = jobs.create_task(self._guarded(agent_id, work))
        # Of a job that is cancelled before its first step, nobody has begun the work.
        job.add_done_callback(lambda _: work.close())

    async def _guarded(self, agent_id: UUID, work: Coroutine[Any, Any, None]) -> None:
        """Keep one agent's failure from the others: an edge of a loop that survives."""
        try:
            await work
        except AppError as error:
            log.warning("job.failed", agent=str(agent_id), reason=error.message)
        except Exception:
            log.exception("job.crashed", agent=str(agent_id))
        finally:
            self._busy.discard(agent_id)

    async def _made(
        self, move: Move, assignment: Assignment, agent: HostedAgent | None
    ) -> None:
        match move:
            case Move.LAUNCH:
                await self._wait_on(assignment)
            case Move.REPLACE if agent:
                await self._life.end(agent, grace=_GRACE)
                self._woken.set()
            case Move.BURY if agent:
                await self._bury(assignment, agent)
            case Move.STOP:
                await self._end(assignment, agent)
                await self._life.release(assignment)
            case Move.MOVE_ON:
                await self._end(assignment, agent)
                await self._life.move_on(assignment)
            case _:
                return

    async def _wait_on(self, assignment: Assignment) -> None:
        """Acknowledge what came for an agent that is tried again only later."""
        if waiting := self._not_ready.get(assignment.agent_id):
            await self._life.acknowledge(assignment, waiting.reason)

    async def _launch(self, assignment: Assignment) -> None:
        """Launch an agent that the queue has admitted, unless that is given up."""
        task = asyncio.current_task()
        assert task  # noqa: S101 - for the type checker: a coroutine runs in a task
        agent_id = assignment.agent_id
        self._launching[agent_id] = _Launching(assignment.incarnation, task)
        try:
            await self._try_to_launch(assignment)
        finally:
            del self._launching[agent_id]
            self._launches.leave(agent_id)
            if self._launches.is_waited_for or task.cancelling():
                self._woken.set()

    async def _try_to_launch(self, assignment: Assignment) -> None:
        try:
            await self._life.begin(assignment)
            self._not_ready.pop(assignment.agent_id, None)
        except ACK_ONLY_ERRORS as error:
            await self._wait(assignment, explained(error))
        except AppError as error:
            if self._not_ready.pop(assignment.agent_id, None):
                self._trouble.pop(assignment.agent_id, None)
            await self._failed(
                assignment,
                explained(error),
                is_passing=isinstance(error, UnavailableError),
                ran_for=timedelta(),
            )

    async def _wait(self, assignment: Assignment, reason: Explanation) -> None:
        """Acknowledge in the agent's place, and try again now and then."""
        self._hold_off(assignment, is_passing=True, ran_for=timedelta())
        self._not_ready[assignment.agent_id] = _NotReady(assignment.org_id, reason)
        await self._life.acknowledge(assignment, reason)
        log.info("agent.waiting", agent=str(assignment.agent_id), code=reason.code)

    async def _bury(self, assignment: Assignment, agent: HostedAgent) -> None:
        """Clear away an agent; one that ended by itself has failed."""
        await self._life.end(agent, grace=timedelta())
        if agent.exit is not None:
            await self._failed(
                assignment,
                explained(exit_error(agent.exit)),
                is_passing=False,
                ran_for=self._now() - agent.started_at,
            )

    async def _end(self, assignment: Assignment, agent: HostedAgent | None) -> None:
        """End an agent that others may host from here on; it may finish its message."""
        if agent is not None:
            await self._life.end(agent, grace=_GRACE)
        self._trouble.pop(assignment.agent_id, None)
        self._not_ready.pop(assignment.agent_id, None)

    async def _failed(
        self,
        assignment: Assignment,
        reason: Explanation,
        *,
        is_passing: bool,
        ran_for: timedelta,
    ) -> None:
        """Tell why, and when to try again: `error` only where waiting does not help."""
        trouble = self._hold_off(assignment, is_passing=is_passing, ran_for=ran_for)
        await self._repository.tell(
            assignment,
            AgentStatus.ERROR if trouble.is_hopeless else AgentStatus.STARTING,
            reason=reason,
        )
        log.warning("agent.failed", agent=str(assignment.agent_id), code=reason.code)

    def _hold_off(
        self, assignment: Assignment, *, is_passing: bool, ran_for: timedelta
    ) -> Trouble:
        trouble = Trouble.after(
            self._trouble.get(assignment.agent_id),
            incarnation=assignment.incarnation,
            is_passing=is_passing,
            ran_for=ran_for,
            first_pause=self._rhythm.first_pause,
            now=self._now(),
        )
        self._trouble[assignment.agent_id] = trouble
        return trouble

    async def _watch_exits(self) -> None:
        async for exited in self._runtime.exits():
            agent = self._hosted.find(exited.agent_id)
            if agent is not None:
                agent.has_exited(exited)
                self._woken.set()


def _move(assignment: Assignment, agent: HostedAgent | None) -> Move:
    if agent is None:
        return _move_from(assignment, None)
    return _move_from(assignment, agent.host.incarnation, has_exited=agent.is_over)


def _keeps(assignment: Assignment, incarnation: int) -> bool:
    """Say whether this incarnation, if it ran here, would go on."""
    return _move_from(assignment, incarnation) is Move.NOTHING


def _move_from(
    assignment: Assignment, hosted_incarnation: int | None, *, has_exited: bool = False
) -> Move:
    return next_move(
        assignment.desired_state,
        incarnation=assignment.incarnation,
        hosted_incarnation=hosted_incarnation,
        has_exited=has_exited,
        is_hopeless=assignment.status is AgentStatus.ERROR,
        moves_on=assignment.moves_on,
    )


@dataclass(frozen=True, slots=True)
class _Launching:
    """A launch under way, and the task to cancel if it is given up."""

    incarnation: int
    task: asyncio.Task[Any]


@dataclass(frozen=True, slots=True)
class _NotReady:
    """Why an agent of an organization is not launched: its provider is not ready."""

    org_id: UUID
    reason: Explanation
