"""The life of one incarnation: from its lease to its first word, and to its end."""

import asyncio
from datetime import timedelta
from uuid import UUID

import structlog

from agent_runner.hosted_agents import HostedAgent, HostedAgents
from agent_runner.http.server import Server
from agent_runner.leases import HeldLease, Leases
from agent_runner.messages.message_desk import MessageDesk
from agent_runner.placement import Placement
from agent_runner.repositories.agent_types import agent_type as read_agent_type
from agent_runner.repositories.hosting import Assignment, HostingRepository
from agent_runner.repositories.messages import Host
from agent_runner.runtimes.errors import (
    AgentExitedError,
    AgentOutOfMemoryError,
    AgentSilentError,
    DeliveryRefusedError,
)
from agent_runner.runtimes.runtime import Exited, ExitReason, Runtime
from agent_runner.tenure import Tenure
from shared.agent_tokens import hash_token, new_token
from shared.bus import Bus
from shared.clock import Clock, utc_now
from shared.contracts.agent_runner import AgentStatus
from shared.contracts.agent_types import AgentType, CredentialDelivery
from shared.contracts.base import Actor, Explanation
from shared.contracts.credentials import (
    CLAIM_USES,
    RELEASE_USES,
    ClaimUses,
    ReleaseUses,
)
from shared.database import Database
from shared.errors import (
    ConflictError,
    ProviderDisabledError,
    ProviderGoneError,
    ProviderRetiringError,
    UnavailableError,
)
from shared.timeouts import timeout

from .fallback_leases import lease_fallbacks
from .launching import delivered_secrets, launch_of

__all__ = ["AgentLife", "exit_error"]

log = structlog.get_logger(__name__)

_FIRST_WORD_WITHIN = timedelta(seconds=30)
_LAST_WORDS_SHOWN = 2000


class AgentLife:
    """Begins and ends incarnations; one call at a time for each agent."""

    def __init__(
        self,
        *,
        database: Database,
        repository: HostingRepository,
        tenure: Tenure,
        placement: Placement,
        bus: Bus,
        leases: Leases,
        runtime: Runtime,
        doors: Server,
        hosted: HostedAgents,
        desk: MessageDesk,
        image: str,
        allow_environment_delivery: bool,
        now: Clock = utc_now,
    ) -> None:
        self._database = database
        self._repository = repository
        self._tenure = tenure
        self._placement = placement
        self._bus = bus
        self._leases = leases
        self._runtime = runtime
        self._doors = doors
        self._hosted = hosted
        self._desk = desk
        self._image = image
        self._allow_environment_delivery = allow_environment_delivery
        self._now = now
        self._actor = Actor(kind="service", id=repository.runner)

    async def begin(self, assignment: Assignment) -> None:
        """Launch the agent and wait for its first word; raises what went wrong.

        An agent in `ack_only` stays so until there is a lease.
        """
        if assignment.status is not AgentStatus.ACK_ONLY:
            await self._repository.tell(assignment, AgentStatus.STARTING)
        await self._desk.take_back(
            assignment.org_id,
            assignment.agent_id,
            runner=self._repository.runner,
            epoch=self._repository.epoch,
        )
        agent_type = await self._agent_type(assignment)
        self._require_allowed(agent_type)
        await self._claim(assignment, agent_type)
        lease = await self._leases.obtain(
            org_id=assignment.org_id,
            agent_id=assignment.agent_id,
            provider_id=agent_type.provider_id,
        )
        await self._repository.tell(assignment, AgentStatus.STARTING)
        try:
            agent = await self._prepared(assignment, agent_type, lease)
        except asyncio.CancelledError:
            await self.end_leftover(assignment.agent_id)
            raise
        self._hosted.add(agent)
        try:
            await self._launch(assignment, agent)
        except BaseException:
            await self.end(agent, grace=timedelta())
            raise
        log.info("agent.started", agent=str(agent.id))

    async def _launch(self, assignment: Assignment, agent: HostedAgent) -> None:
        """Launch its process, and call it running; raises if it is not ours by then.

        Nothing is launched whose provider is disabled, without another that serves; a
        session at its end is renewed soon, and messages wait for that.
        """
        await lease_fallbacks(agent, self._leases, now=self._now())
        is_enabled = agent.lease.credential.enabled
        if not (is_enabled or agent.is_served(self._now())):
            raise ProviderDisabledError("The provider is disabled.")
        port = await self._doors.open(agent.address)
        self._tenure.require()
        # Not before: a lease may be renewed while others are obtained.
        agent.deliver(
            delivered_secrets(
                agent.lease.credential, agent.agent_type.credential_delivery
            )
        )
        await self._runtime.launch(launch_of(agent, image=self._image, port=port))
        await _first_word(agent)
        if not await self._repository.tell(
            assignment, AgentStatus.RUNNING, started_at=agent.started_at
        ):
            raise _not_ours()

    async def end(self, agent: HostedAgent, *, grace: timedelta) -> None:
        """End its process; its token is dead when this returns.

        What it had in hand and did not finish goes back to the queue. Not so if it
        ended by itself: that delivery failed, which the next launch counts.
        """
        was_alive = agent.exit is None
        agent.is_stopping = True
        agent.woken.set()
        await self._runtime.stop(agent.id, grace=grace)
        self._hosted.remove(agent)
        if not any(each.address == agent.address for each in self._hosted):
            self._doors.close(agent.address)
        if was_alive:
            await self._hand_back(agent.org_id, agent.id)
        log.info("agent.ended", agent=str(agent.id))

    async def end_leftover(self, agent_id: UUID) -> None:
        """End what runs here of an agent that is not hosted."""
        await self._runtime.stop(agent_id, grace=timedelta())
        log.info("agent.leftover_ended", agent=str(agent_id))

    async def acknowledge(self, assignment: Assignment, reason: Explanation) -> None:
        """Call the agent `ack_only`, and answer what waits for it with the reason.

        Where its type says so, messages are held instead.
        """
        await self._repository.tell(assignment, AgentStatus.ACK_ONLY, reason=reason)
        await self._desk.acknowledge(
            assignment.org_id,
            assignment.agent_id,
            runner=self._repository.runner,
            epoch=self._repository.epoch,
        )

    async def resume(self, assignment: Assignment, agent: HostedAgent) -> None:
        """Call an agent running again whose provider is ready again."""
        await self._repository.tell(assignment, AgentStatus.RUNNING)
        agent.woken.set()
        log.info("agent.resumed", agent=str(agent.id))

    async def reroute(self, assignment: Assignment, agent: HostedAgent) -> None:
        """Let what holds at once of a changed type hold, its residency first.

        An agent whose new providers are refused goes on without them.
        """
        agent.agent_type = await self._agent_type(assignment)
        if agent.agent_type.provider_ids != agent.claimed:
            await self._claim_changed(assignment, agent)
            await lease_fallbacks(agent, self._leases, now=self._now())
        agent.type_version = assignment.newest_type_version
        log.info("agent.rerouted", agent=str(agent.id))

    async def move_on(self, assignment: Assignment) -> None:
        """Let another runner host an agent that has ended here."""
        await self._hand_back(assignment.org_id, assignment.agent_id)
        await self._repository.move_on(assignment)
        log.info("agent.moved_on", agent=str(assignment.agent_id))
        await self._placement.place()

    async def release(self, assignment: Assignment) -> None:
        """Let the providers go, then call the agent stopped: in this order."""
        await self._hand_back(assignment.org_id, assignment.agent_id)
        generation = await self._repository.begin_release(assignment)
        if generation is not None:
            await self._bus.ask(
                RELEASE_USES,
                ReleaseUses(
                    org_id=assignment.org_id,
                    actor=self._actor,
                    agent_id=assignment.agent_id,
                    generation=generation,
                ),
            )
            await self._repository.released(assignment, generation)
        await self._repository.let_go(assignment)

    async def _hand_back(self, org_id: UUID, agent_id: UUID) -> None:
        """Queue again what was in hand; if that cannot be now, the next launch does."""
        try:
            await self._desk.hand_back(
                org_id,
                agent_id,
                runner=self._repository.runner,
                epoch=self._repository.epoch,
            )
        except UnavailableError:
            log.warning("message.not_handed_back", agent=str(agent_id))

    async def _agent_type(self, assignment: Assignment) -> AgentType:
        async with self._database.organization(assignment.org_id) as transaction:
            return await read_agent_type(
                transaction, assignment.agent_type_id, assignment.agent_type_version
            )

    async def _claim(self, assignment: Assignment, agent_type: AgentType) -> None:
        """Claim exactly what this version uses; a restart may have claimed more."""
        generation = await self._repository.begin_claim(assignment)
        if generation is None:
            raise _not_ours()
        await self._bus.ask(
            CLAIM_USES,
            ClaimUses(
                org_id=assignment.org_id,
                actor=self._actor,
                agent_id=assignment.agent_id,
                agent_name=assignment.name,
                provider_ids=sorted(agent_type.provider_ids),
                mcp_server_ids=sorted(agent_type.mcp_server_ids),
                generation=generation,
            ),
        )

    async def _claim_changed(self, assignment: Assignment, agent: HostedAgent) -> None:
        try:
            await self._claim(assignment, agent.agent_type)
        except (ProviderGoneError, ProviderRetiringError) as error:
            log.warning("uses.not_claimed", agent=str(agent.id), reason=error.message)
        else:
            agent.claimed = agent.agent_type.provider_ids

    def _require_allowed(self, agent_type: AgentType) -> None:
        """Refuse a type that was made before its delivery was taken away."""
        is_sealed = agent_type.credential_delivery is CredentialDelivery.SEALED
        if not (is_sealed or self._allow_environment_delivery):
            raise DeliveryRefusedError(
                "The agent's type delivers the provider's key to the agent's "
                "environment, which this installation does not allow."
            )

    async def _prepared(
        self, assignment: Assignment, agent_type: AgentType, lease: HeldLease
    ) -> HostedAgent:
        # What an earlier process left of it would be taken for running already.
        await self._runtime.stop(assignment.agent_id, grace=timedelta())
        address = await self._runtime.connect(
            assignment.agent_id, assignment.org_id, self._repository.epoch
        )
        token = new_token()
        await self._repository.keep_token(assignment, hash_token(token))
        return HostedAgent(
            host=Host(
                agent_id=assignment.agent_id,
                runner=self._repository.runner,
                epoch=self._repository.epoch,
                incarnation=assignment.incarnation,
            ),
            org_id=assignment.org_id,
            name=assignment.name,
            agent_type=agent_type,
            lease=lease,
            address=address,
            token=token,
            started_at=self._now(),
            claimed=agent_type.provider_ids,
            type_version=assignment.newest_type_version,
        )


def exit_error(exited: Exited) -> AgentExitedError:
    """Say how an agent ended, with the end of what it printed (masked)."""
    code = "" if exited.exit_code is None else f" with code {exited.exit_code}"
    words = exited.last_words.strip()[-_LAST_WORDS_SHOWN:]
    said = f" Its last words: {words}" if words else " It said nothing."
    if exited.reason is ExitReason.OUT_OF_MEMORY:
        return AgentOutOfMemoryError(f"The agent ran out of memory.{said}")
    return AgentExitedError(f"The agent {exited.reason}{code}.{said}")


def _not_ours() -> ConflictError:
    return ConflictError("The agent is not this runner's to run any more.")


async def _first_word(agent: HostedAgent) -> None:
    try:
        async with timeout(_FIRST_WORD_WITHIN.total_seconds()):
            exited = await agent.first_sign
    except TimeoutError as error:
        raise AgentSilentError(
            f"The agent said nothing within {_FIRST_WORD_WITHIN.seconds} s."
        ) from error
    if exited is not None:
        raise exit_error(exited)
