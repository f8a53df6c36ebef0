"""Use cases of external agents: let them in, shut them out, give them another token."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import structlog

from agent_runner.repositories import agents as agents_repository
from agent_runner.repositories import external_agents as repository
from agent_runner.repositories.audit import note
from shared.bus import Bus
from shared.clock import Clock, utc_now
from shared.contracts.agent_runner import (
    EXTERNAL_AGENT_CHANGED,
    Agent,
    AgentQuestion,
    BaseUrls,
    CreateAgent,
    DesiredState,
    ExternalAgentChanged,
    ReplaceToken,
)
from shared.contracts.base import Question
from shared.contracts.credentials import RELEASE_USES, ReleaseUses
from shared.database import Database, Transaction
from shared.errors import (
    AgentIsHostedError,
    AgentNotFoundError,
    AppError,
    ConflictError,
    NoExternalListenerError,
    StaleGenerationError,
    UnavailableError,
)
from shared.timeouts import timeout

from .claims import Claims

__all__ = ["ExternalAgents"]

log = structlog.get_logger(__name__)

_TWIN_WITHIN = timedelta(seconds=10)
_LOOK_AGAIN = timedelta(milliseconds=100)


class _OvertakenError(ConflictError):
    """Somebody else has claimed the agent's uses since, or released them."""


class ExternalAgents:
    """Only hashes of tokens come here; every runner is told what changes.

    *base_urls* are where external agents reach a runner; None: nowhere.
    """

    def __init__(
        self,
        *,
        database: Database,
        bus: Bus,
        claims: Claims,
        base_urls: BaseUrls | None,
        now: Clock = utc_now,
    ) -> None:
        self._database = database
        self._bus = bus
        self._claims = claims
        self._base_urls = base_urls
        self._now = now

    def told(self, agent: Agent) -> Agent:
        """Say where an external agent reaches us."""
        if not agent.is_external:
            return agent
        return agent.model_copy(update={"base_urls": self._base_urls})

    async def create(self, question: CreateAgent) -> None:
        """Make an agent that may call at once; one that may not is not left behind."""
        if self._base_urls is None:
            raise NoExternalListenerError(
                "No runner listens for external agents; its external_port is not set."
            )
        async with self._database.organization(question.org_id) as transaction:
            await repository.add_external_agent(
                transaction,
                org_id=question.org_id,
                agent_id=question.agent_id,
                name=question.name,
                agent_type_id=question.agent_type_id,
                at=self._now(),
            )
            agent = await agents_repository.agent(transaction, question.agent_id)
        try:
            await self.let_in(
                question, agent, act="agent.created", token_hash=question.token_hash
            )
        except UnavailableError:
            raise  # its uses may be claimed: who releases them removes it, too
        except (StaleGenerationError, _OvertakenError):
            if not await self._is_let_in_by_twin(question):
                raise
        except AppError:
            async with self._database.organization(question.org_id) as transaction:
                await repository.withdraw(transaction, question.agent_id)
            raise

    async def _is_let_in_by_twin(self, question: CreateAgent) -> bool:
        """Wait for who asked for the same agent later; False if they were refused."""
        async with timeout(_TWIN_WITHIN.total_seconds()):
            while (incarnation := await self._incarnation(question)) == 0:  # noqa: ASYNC110 - a row says it
                await asyncio.sleep(_LOOK_AGAIN.total_seconds())
        return incarnation is not None

    async def _incarnation(self, question: CreateAgent) -> int | None:
        """Tell how often an agent was let in; None if it is not there."""
        async with self._database.organization(question.org_id) as transaction:
            with suppress(AgentNotFoundError):
                agent = await agents_repository.agent(transaction, question.agent_id)
                return agent.incarnation
        return None

    async def let_in(
        self,
        question: Question,
        agent: Agent,
        *,
        act: str,
        token_hash: bytes | None = None,
    ) -> None:
        """Let an agent call, as of the newest version of its type.

        What only the version before used is let go once runners were told.
        """
        claim = await self._claims.claim(question, agent)
        async with self._database.organization(question.org_id) as transaction:
            if not await repository.let_in(
                transaction,
                agent.id,
                agent_type_id=claim.agent_type.id,
                agent_type_version=claim.agent_type.version,
                generation=claim.generation,
                token_hash=token_hash,
                at=self._now(),
            ):
                raise _OvertakenError(
                    "The agent was started or stopped at the same moment; try again."
                )
            await self._note(transaction, question, act, agent.id)
        await self._tell_runners(agent.id)
        if agent.desired_state is DesiredState.RUNNING:
            await self._claim_again(question, agent.id)

    async def shut_out(self, question: AgentQuestion) -> None:
        """Suspend an agent's token, and let its providers go."""
        async with self._database.organization(question.org_id) as transaction:
            generation = await repository.shut_out(
                transaction, question.agent_id, at=self._now()
            )
            if generation is None:
                return
            await self._note(transaction, question, "agent.stopped", question.agent_id)
        await self._tell_runners(question.agent_id)
        try:
            await self._release(question, generation)
        except AppError as error:
            log.warning("uses.not_released", reason=error.message)

    async def note_rerouted(
        self, transaction: Transaction, question: Question, agent_type_id: UUID
    ) -> list[UUID]:
        """Note, as a type changes, that runners have to look at those who may call.

        Returns them, for `reroute`. Who is let in at the same moment is so before or
        after.
        """
        await repository.hold_changes(transaction)
        found = await repository.let_in_of_type(transaction, agent_type_id)
        for agent_id in found:
            await repository.note_change(
                transaction, org_id=question.org_id, agent_id=agent_id
            )
        return found

    async def reroute(self, question: Question, agent_ids: Sequence[UUID]) -> None:
        """Let what holds at once of a changed type hold for those who may call.

        Runners are told first, for it may forbid something. An agent whose new
        providers cannot be claimed goes on without them.
        """
        for agent_id in agent_ids:
            await self._tell_runners(agent_id)
            await self._claim_again(question, agent_id)

    async def _claim_again(self, question: Question, agent_id: UUID) -> None:
        try:
            async with self._database.organization(question.org_id) as transaction:
                agent = await agents_repository.agent(transaction, agent_id)
            if agent.desired_state is DesiredState.RUNNING:
                await self._claims.claim(question, agent)
        except AppError as error:
            log.warning("uses.not_claimed", agent=str(agent_id), reason=error.message)

    async def replace_token(self, question: ReplaceToken) -> Agent:
        """Let another token count from now on, or none."""
        act = "agent.token_replaced" if question.token_hash else "agent.token_revoked"
        async with self._database.organization(question.org_id) as transaction:
            agent = await agents_repository.agent(transaction, question.agent_id)
            if not agent.is_external:
                raise AgentIsHostedError(
                    f"{agent.name} is hosted: its token changes with every restart."
                )
            await repository.replace_token(
                transaction, agent.id, question.token_hash, at=self._now()
            )
            await self._note(transaction, question, act, agent.id)
            agent = await agents_repository.agent(transaction, agent.id)
        await self._tell_runners(agent.id)
        return self.told(agent)

    async def _note(
        self, transaction: Transaction, question: Question, act: str, agent_id: UUID
    ) -> None:
        """Note an act, and that runners have to look."""
        await note(transaction, question, act, agent_id)
        await repository.note_change(
            transaction, org_id=question.org_id, agent_id=agent_id
        )

    async def _release(self, question: AgentQuestion, generation: int) -> None:
        """Release its uses; what fails here is done by the next sweep."""
        await self._bus.ask(
            RELEASE_USES,
            ReleaseUses(
                org_id=question.org_id,
                actor=question.actor,
                agent_id=question.agent_id,
                generation=generation,
            ),
        )
        async with self._database.organization(question.org_id) as transaction:
            await agents_repository.released(transaction, question.agent_id, generation)

    async def _tell_runners(self, agent_id: UUID) -> None:
        await self._bus.signal(
            EXTERNAL_AGENT_CHANGED,
            ExternalAgentChanged(agent_id=agent_id),
            key=agent_id,
        )
