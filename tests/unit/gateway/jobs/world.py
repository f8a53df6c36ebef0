"""The services that jobs ask, in memory; a gateway may die at any question."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.unit.gateway.objects import AGENT, AGENT_TYPE, NOON, ORGANIZATION, PROVIDER

from ag2trust.waiting import until
from gateway.jobs.steps import Steps
from gateway.jobs.worker import Worker
from gateway.repositories.jobs import JobRepository
from shared.bus import answer
from shared.contracts.agent_runner import (
    GET_AGENT,
    RESTART_AGENT,
    Agent,
    AgentQuestion,
    AgentStatus,
    DesiredState,
)
from shared.contracts.agent_types import (
    GET_AGENT_TYPE,
    LIST_AGENT_TYPES,
    UPDATE_AGENT_TYPE,
    AgentType,
    AgentTypeQuestion,
    UpdateAgentType,
)
from shared.contracts.base import Actor, Empty, Endpoint, Explanation, Page, Question
from shared.contracts.credentials import (
    DELETE_PROVIDER,
    Provider,
    ProviderQuestion,
)
from shared.contracts.jobs import Job, JobKind, JobStatus
from shared.contracts.probes import PROBE_PROVIDER, ProbeProvider, ProbeResult
from shared.contracts.restarts import LIST_CONCERNED_AGENTS, ListConcernedAgents
from shared.contracts.rotations import (
    DISCARD_SECRET,
    RETIRE_PROVIDER,
    SWITCH_SECRET,
    RetireProvider,
    RotationQuestion,
)
from shared.errors import (
    AgentNotFoundError,
    PreconditionFailedError,
    ProviderInUseError,
    ProviderNotFoundError,
    SecretOvertakenError,
    StaleGenerationError,
)
from shared.ids import new_id
from shared.testing import FakeBus, FakeClock

__all__ = ["NEW", "OLD", "REFUSED", "Crash", "World", "job_of"]

OLD, NEW = UUID(int=1), UUID(int=2)
REFUSED = Explanation(
    code="INVALID_API_KEY", message="No.", cause="A key.", fix="Mend.", retryable=False
)


class Crash(BaseException):
    """The gateway is dead from here on."""


@dataclass
class World:
    """Providers, types and agents; every act is counted in *done*.

    The gateway dies at question *crash_at*, before it is put, or *after_acting* on it.
    Agents come up at the second look; those of *broken* not with the new provider,
    which passes so many tests and no more. Of *overtaken* so many restarts are, by
    another start that the old provider is still a part of.
    """

    org_id: UUID = ORGANIZATION
    providers: dict[UUID, Provider] = field(default_factory=dict)
    types: dict[UUID, AgentType] = field(default_factory=dict)
    agents: dict[UUID, Agent] = field(default_factory=dict)
    broken: set[UUID] = field(default_factory=set)
    overtaken: Counter[UUID] = field(default_factory=Counter)
    passes: int = 1000
    staged: bool = True
    done: Counter[str] = field(default_factory=Counter)
    asked: int = 0
    crash_at: int | None = None
    after_acting: bool = False
    is_dead: bool = False
    most_between: int = 0
    bus: FakeBus = field(default_factory=FakeBus)
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        for provider_id in (OLD, NEW):
            self.providers[provider_id] = PROVIDER.model_copy(
                update={"id": provider_id}
            )
        acts: list[tuple[Endpoint[Any, Any], Callable[[Any], Any]]] = [
            (PROBE_PROVIDER, self._probe),
            (SWITCH_SECRET, self._switch),
            (DISCARD_SECRET, self._discard),
            (RETIRE_PROVIDER, self._retire),
            (DELETE_PROVIDER, self._delete),
            (LIST_AGENT_TYPES, self._list_types),
            (GET_AGENT_TYPE, self._get_type),
            (UPDATE_AGENT_TYPE, self._update_type),
            (LIST_CONCERNED_AGENTS, self._concerned),
            (GET_AGENT, self._get_agent),
            (RESTART_AGENT, self._restart),
        ]
        for endpoint, act in acts:
            self.bus.serve(answer(endpoint, self._mortal(act)))

    def populate(self, *, types: int, agents_each: int) -> None:
        """Add types of the old provider, and agents of each that run."""
        for _ in range(types):
            kind = AGENT_TYPE.model_copy(
                update={"id": new_id(), "version": 1, "provider_id": OLD}
            )
            self.types[kind.id] = kind
            for _ in range(agents_each):
                agent = AGENT.model_copy(
                    update={
                        "id": new_id(),
                        "agent_type_id": kind.id,
                        "agent_type_version": 1,
                        "desired_state": DesiredState.RUNNING,
                        "status": AgentStatus.RUNNING,
                        "incarnation": 1,
                        "started_at": NOON,
                    }
                )
                self.agents[agent.id] = agent

    def worker(self, jobs: JobRepository) -> Worker:
        """Start a gateway's worker; it is as mortal as the gateway."""
        return Worker(
            jobs,
            self.bus,
            Steps(self.bus, now=self.clock),
            now=self.clock,
            pause=self._pause,
        )

    async def until_ended_or_dead(self, jobs: JobRepository, job_id: UUID) -> Job:
        """Let one gateway work; return the job as it has left it."""
        self.is_dead = False
        working = asyncio.create_task(self.worker(_Mortal(jobs, self)).run())
        try:
            return await until(
                "the end of the job, or of the gateway",
                lambda: jobs.one(self.org_id, job_id),
                lambda job: self.is_dead or job.status is not JobStatus.RUNNING,
                longest_pause=0,
            )
        finally:
            working.cancel()
            with suppress(asyncio.CancelledError, BaseExceptionGroup):
                await working

    @property
    def incarnations(self) -> list[int]:
        return [agent.incarnation for agent in self.agents.values()]

    async def _pause(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))
        await asyncio.sleep(0)

    def require_life(self) -> None:
        if self.is_dead:
            raise Crash

    def _mortal(self, act: Callable[[Any], Any]) -> Callable[[Any], Any]:
        async def asked(question: Question) -> Any:
            self.require_life()
            self.asked += 1
            is_last = self.asked == self.crash_at
            if is_last and not self.after_acting:
                self._die()
            said = act(question)
            if is_last:
                self._die()
            return said

        return asked

    def _die(self) -> None:
        self.is_dead = True
        raise Crash

    def _probe(self, _: ProbeProvider) -> ProbeResult:
        self.done["tested"] += 1
        if self.done["tested"] > self.passes:
            return ProbeResult(ok=False, explanation=REFUSED)
        return ProbeResult(ok=True, latency_ms=1)

    def _switch(self, question: RotationQuestion) -> Provider:
        provider = self.providers[question.provider_id]
        if self.staged:
            self.done["switched"] += 1
            self.staged = False
            credential = provider.credential.model_copy(update={"version": 2})
            provider = provider.model_copy(update={"credential": credential})
            self.providers[provider.id] = provider
        elif provider.credential.version != 2:
            raise SecretOvertakenError("It is not kept.")
        return provider

    def _discard(self, _: RotationQuestion) -> Empty:
        self.staged = False
        return Empty()

    def _retire(self, question: RetireProvider) -> Provider:
        provider = self._provider(question.provider_id)
        provider = provider.model_copy(update={"is_retiring": question.is_retiring})
        self.providers[provider.id] = provider
        return provider

    def _delete(self, question: ProviderQuestion) -> Empty:
        self._provider(question.provider_id)
        if any(self._runs_with(it) == question.provider_id for it in self._running()):
            raise ProviderInUseError("Agents use it.")
        del self.providers[question.provider_id]
        self.done["deleted"] += 1
        return Empty()

    def _list_types(self, _: Question) -> Page[AgentType]:
        return Page(data=[*self.types.values()])

    def _get_type(self, question: AgentTypeQuestion) -> AgentType:
        return self.types[question.agent_type_id]

    def _update_type(self, question: UpdateAgentType) -> AgentType:
        kind = self.types[question.agent_type_id]
        if question.if_version != kind.version:
            raise PreconditionFailedError("It has moved on.")
        changes = {
            name: getattr(question.patch, name)
            for name in question.patch.model_fields_set
        }
        kind = kind.model_copy(update=changes | {"version": kind.version + 1})
        self.types[kind.id] = kind
        self.done["moved"] += 1
        return kind

    def _concerned(self, question: ListConcernedAgents) -> Page[Agent]:
        found = [
            agent
            for agent in self._running()
            if question.agent_type_id in {None, agent.agent_type_id}
            and question.provider_id in {None, self._runs_with(agent)}
        ]
        return Page(data=[*map(self._told, found)])

    def _get_agent(self, question: AgentQuestion) -> Agent:
        """Tell of an agent; one that starts has come up by the next time."""
        agent = self.agents.get(question.agent_id)
        if agent is None:
            raise AgentNotFoundError("There is none.")
        if agent.status is AgentStatus.STARTING:
            is_broken = agent.id in self.broken and self._runs_with(agent) == NEW
            self._change(
                agent,
                status=AgentStatus.ERROR if is_broken else AgentStatus.RUNNING,
                status_reason=REFUSED if is_broken else None,
                started_at=self.clock() + timedelta(seconds=agent.incarnation),
            )
        return self._told(agent)

    def _restart(self, question: AgentQuestion) -> Agent:
        agent = self.agents[question.agent_id]
        if self.overtaken[agent.id] > 0:
            self.overtaken[agent.id] -= 1
            raise StaleGenerationError("Generation 3 was overtaken by 4.")
        self.done["restarted"] += 1
        self._change(
            agent,
            status=AgentStatus.STARTING,
            incarnation=agent.incarnation + 1,
            agent_type_version=self.types[agent.agent_type_id].version,
        )
        starting = sum(
            each.status is AgentStatus.STARTING for each in self.agents.values()
        )
        self.most_between = max(self.most_between, starting)
        return self._told(self.agents[agent.id])

    def _change(self, agent: Agent, **facts: object) -> None:
        self.agents[agent.id] = agent.model_copy(update=facts)

    def _told(self, agent: Agent) -> Agent:
        newest = self.types[agent.agent_type_id].version
        is_old = agent.agent_type_version != newest
        return agent.model_copy(update={"restart_required": is_old})

    def _running(self) -> list[Agent]:
        return [
            agent
            for agent in self.agents.values()
            if agent.desired_state is DesiredState.RUNNING
        ]

    def _runs_with(self, agent: Agent) -> UUID:
        """Return the provider of the version it runs: odd ones are of the old one."""
        version = agent.agent_type_version or 0
        newest = self.types[agent.agent_type_id]
        if version == newest.version:
            return newest.provider_id
        return OLD if version % 2 else NEW

    def _provider(self, provider_id: UUID) -> Provider:
        if provider_id not in self.providers:
            raise ProviderNotFoundError("There is none.")
        return self.providers[provider_id]


@dataclass
class _Mortal:
    """A repository as a gateway reaches it while it lives."""

    real: JobRepository
    world: World

    def __getattr__(self, name: str) -> Any:
        real = getattr(self.real, name)

        async def reached(*arguments: Any, **named: Any) -> Any:
            self.world.require_life()
            return await real(*arguments, **named)

        return reached


def job_of(kind: JobKind, steps: Any, **facts: Any) -> Job:
    return Job(
        id=new_id(),
        kind=kind,
        steps=steps,
        actor=Actor(kind="api_key", id="somebody"),
        started_at=NOON,
        **facts,
    )
