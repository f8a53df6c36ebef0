"""Use cases of jobs: begin one, and see how far it is."""

from collections.abc import Callable
from uuid import UUID

from gateway.access.principals import Principal
from gateway.repositories.jobs import JobRepository
from gateway.submissions import sealed_to
from shared.bus import Bus
from shared.clock import Clock, utc_now
from shared.contracts.agent_types import (
    GET_AGENT_TYPE,
    MODELS_IN_USE,
    AgentTypeQuestion,
    ModelsQuestion,
)
from shared.contracts.base import Page, PageQuestion
from shared.contracts.credentials import (
    GET_PROVIDER,
    Provider,
    ProviderPatch,
    ProviderQuestion,
    ProviderType,
)
from shared.contracts.jobs import Job, JobKind
from shared.contracts.rotations import (
    DISCARD_SECRET,
    STAGE_SECRET,
    RotationQuestion,
    StageSecret,
)
from shared.errors import (
    AppError,
    InvalidError,
    JobNotFoundError,
    JobRunningError,
)
from shared.identity import PublicIdentity
from shared.pages import before, page_of

from .planning import steps_of

__all__ = ["Jobs"]


class Jobs:
    """A job that is asked for again is told as it is, whatever it has changed since.

    *credentials* is whom new secrets are sealed to; *wake* is for new jobs.
    """

    def __init__(
        self,
        bus: Bus,
        repository: JobRepository,
        *,
        wake: Callable[[], None],
        credentials: PublicIdentity,
        now: Clock = utc_now,
    ) -> None:
        self._bus = bus
        self._repository = repository
        self._wake = wake
        self._credentials = credentials
        self._now = now

    async def one(self, org_id: UUID, job_id: UUID) -> Job:
        """Raise `JobNotFoundError` if it is none of ours."""
        return await self._repository.one(org_id, job_id)

    async def page(self, question: PageQuestion) -> Page[Job]:
        found = await self._repository.newest(
            question.org_id, before=before(question.cursor), limit=question.limit + 1
        )
        return page_of(found, limit=question.limit, id_of=lambda job: job.id)

    async def rotate_secret(
        self,
        who: Principal,
        job_id: UUID,
        provider_id: UUID,
        secrets: ProviderPatch,
        *,
        model: str | None,
    ) -> Job:
        """Begin to give a provider a new secret; it is kept sealed until then.

        Raises what an update of the provider with it would, and `JobRunningError`.
        """
        if begun := await self._begun_before(who, job_id):
            return begun
        await self._repository.require_free(who.org_id, [provider_id])
        sealed = sealed_to(
            self._credentials, secrets, org_id=who.org_id, provider_id=provider_id
        )
        question = StageSecret(
            org_id=who.org_id,
            actor=who.actor,
            provider_id=provider_id,
            rotation_id=job_id,
            sealed=sealed,
        )
        await self._bus.ask(STAGE_SECRET, question)
        try:
            return await self._begun(
                who,
                Job(
                    id=job_id,
                    kind=JobKind.PROVIDER_ROTATION,
                    provider_id=provider_id,
                    model=model,
                    steps=steps_of(
                        JobKind.PROVIDER_ROTATION, moves=False, delete_old=False
                    ),
                    actor=who.actor,
                    started_at=self._now(),
                ),
            )
        except JobRunningError:
            await self._discard(who, provider_id, job_id)
            raise

    async def rotate_provider(
        self,
        who: Principal,
        job_id: UUID,
        provider_id: UUID,
        *,
        to_provider_id: UUID,
        delete_old: bool,
        model: str | None,
    ) -> Job:
        """Begin to move all that names a provider to another one of its type.

        Raises `ProviderNotFoundError`, `InvalidError` for one that cannot take its
        place, and `JobRunningError`.
        """
        if begun := await self._begun_before(who, job_id):
            return begun
        old = await self._provider(who, provider_id)
        new = await self._provider(who, to_provider_id)
        _require_fit(old, new)
        if model is None and old.type is ProviderType.BEDROCK:
            model = await self._model_in_use(who, provider_id)
        return await self._begun(
            who,
            Job(
                id=job_id,
                kind=JobKind.PROVIDER_ROTATION,
                provider_id=provider_id,
                to_provider_id=to_provider_id,
                delete_old=delete_old,
                model=model,
                steps=steps_of(
                    JobKind.PROVIDER_ROTATION, moves=True, delete_old=delete_old
                ),
                actor=who.actor,
                started_at=self._now(),
            ),
        )

    async def restart_agents(
        self, who: Principal, job_id: UUID, agent_type_id: UUID
    ) -> Job:
        """Begin to restart the agents of a type, a few at a time.

        Raises `AgentTypeNotFoundError` and `JobRunningError`.
        """
        if begun := await self._begun_before(who, job_id):
            return begun
        await self._bus.ask(
            GET_AGENT_TYPE,
            AgentTypeQuestion(
                org_id=who.org_id, actor=who.actor, agent_type_id=agent_type_id
            ),
        )
        return await self._begun(
            who,
            Job(
                id=job_id,
                kind=JobKind.AGENT_TYPE_RESTART,
                agent_type_id=agent_type_id,
                steps=steps_of(
                    JobKind.AGENT_TYPE_RESTART, moves=False, delete_old=False
                ),
                actor=who.actor,
                started_at=self._now(),
            ),
        )

    async def require_free(self, who: Principal, thing_id: UUID) -> None:
        """Raise `JobRunningError` if a job works on it now."""
        await self._repository.require_free(who.org_id, [thing_id])

    async def _begun_before(self, who: Principal, job_id: UUID) -> Job | None:
        try:
            return await self._repository.one(who.org_id, job_id)
        except JobNotFoundError:
            return None

    async def _begun(self, who: Principal, job: Job) -> Job:
        begun = await self._repository.add(who.org_id, job)
        self._wake()
        return begun

    async def _provider(self, who: Principal, provider_id: UUID) -> Provider:
        question = ProviderQuestion(
            org_id=who.org_id, actor=who.actor, provider_id=provider_id
        )
        return await self._bus.ask(GET_PROVIDER, question)

    async def _model_in_use(self, who: Principal, provider_id: UUID) -> str | None:
        question = ModelsQuestion(
            org_id=who.org_id, actor=who.actor, provider_id=provider_id
        )
        return next(iter((await self._bus.ask(MODELS_IN_USE, question)).models), None)

    async def _discard(self, who: Principal, provider_id: UUID, job_id: UUID) -> None:
        """Drop a staged secret that no job will use; if that fails, time does it."""
        question = RotationQuestion(
            org_id=who.org_id,
            actor=who.actor,
            provider_id=provider_id,
            rotation_id=job_id,
        )
        try:
            await self._bus.ask(DISCARD_SECRET, question)
        except AppError:
            return


def _require_fit(old: Provider, new: Provider) -> None:
    """Refuse to move agents to what cannot answer them."""
    problem = None
    if new.id == old.id:
        problem = "is the provider itself"
    elif new.type is not old.type:
        problem = f"is of type {new.type}; the models are those of {old.type}"
    elif not new.enabled:
        problem = "is disabled"
    elif new.is_retiring:
        problem = "is about to be removed itself"
    if problem is not None:
        raise InvalidError.of_fields(
            f'The provider "{new.name}" {problem}.', {"to_provider_id": problem}
        )
