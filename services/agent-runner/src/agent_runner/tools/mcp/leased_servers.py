"""MCP servers and their tokens, leased from the credentials service while in use."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from shared.bus import Bus
from shared.clock import Clock, utc_now
from shared.contracts.base import Actor
from shared.contracts.mcp_servers import (
    GET_MCP_SERVER,
    LEASE_MCP_SERVER,
    MCP_LEASE_PURPOSE,
    LeasedMcpServer,
    McpLeaseRequest,
    McpServerChanged,
    McpServerQuestion,
)
from shared.errors import McpServerNotFoundError, UnavailableError
from shared.identity import Identity, PublicIdentity
from shared.leasing import LeaseAsker, Leased

__all__ = ["LeasedServers"]

_LOOK_AFTER = timedelta(minutes=1)

_Key = tuple[UUID, UUID]


@dataclass(slots=True)
class _Held:
    """What was leased, and when to look whether it has changed."""

    leased: Leased[LeasedMcpServer]
    look_at: datetime


class LeasedServers:
    """Asks in the name of one runner, and holds what it got until its lease ends.

    Whether it has changed a signal says, which may be lost, and a look once a minute.

    Whatever is asked for may raise `LeaseRefusedError`, and what the credentials
    service raises.
    """

    def __init__(
        self,
        *,
        bus: Bus,
        identity: Identity,
        credentials: PublicIdentity,
        runner: str,
        epoch: int,
        now: Clock = utc_now,
    ) -> None:
        self._bus = bus
        self._actor = Actor(kind="service", id=runner)
        self._asker = LeaseAsker(
            bus=bus,
            identity=identity,
            credentials=credentials,
            endpoint=LEASE_MCP_SERVER,
            purpose=MCP_LEASE_PURPOSE,
            plaintext=LeasedMcpServer,
        )
        self._runner = runner
        self._epoch = epoch
        self._now = now
        self._held: dict[_Key, _Held] = {}
        self._changes = 0

    async def of(
        self, *, org_id: UUID, agent_id: UUID, server_id: UUID
    ) -> LeasedMcpServer:
        """Return a server that an agent uses."""
        key = (agent_id, server_id)
        held = self._held.get(key)
        if held is None or not await self._is_current(org_id, held):
            changes = self._changes
            leased = await self._obtained(org_id, server_id, agent_id=agent_id)
            held = _Held(leased, self._now() + _LOOK_AFTER)
            if changes == self._changes:  # else it may be of before
                self._held[key] = held
        return held.leased.plaintext

    async def once(
        self, *, org_id: UUID, actor: Actor, server_id: UUID
    ) -> LeasedMcpServer:
        """Return a server for the one look that *actor* asked for."""
        return (await self._obtained(org_id, server_id, actor=actor)).plaintext

    def changed(self, changed: McpServerChanged) -> None:
        self._changes += 1
        self._held = {
            key: held
            for key, held in self._held.items()
            if held.leased.plaintext.server_id != changed.server_id
        }

    def forget(self, *, agent_id: UUID, server_id: UUID) -> None:
        """Ask anew next time: the server does not take what was leased."""
        self._held.pop((agent_id, server_id), None)

    async def forget_ended(self) -> None:
        now = self._now()
        self._held = {
            key: held
            for key, held in self._held.items()
            if now < held.leased.expires_at
        }

    async def _is_current(self, org_id: UUID, held: _Held) -> bool:
        """Say whether to go on with what is held; its owner says so once a minute.

        An owner that cannot be asked changes nothing: agents go on.
        """
        server, now = held.leased.plaintext, self._now()
        if held.leased.expires_at <= now:
            return False
        # From both sides: a clock that is set back would put the look off for long.
        if now < held.look_at <= now + _LOOK_AFTER:
            return True
        question = McpServerQuestion(
            org_id=org_id, actor=self._actor, server_id=server.server_id
        )
        try:
            there = await self._bus.ask(GET_MCP_SERVER, question)
        except McpServerNotFoundError:
            return False
        except UnavailableError:
            return True
        held.look_at = now + _LOOK_AFTER
        return there.version == server.version

    async def _obtained(
        self,
        org_id: UUID,
        server_id: UUID,
        *,
        agent_id: UUID | None = None,
        actor: Actor | None = None,
    ) -> Leased[LeasedMcpServer]:
        def request_of(public_key: bytes, nonce: bytes) -> McpLeaseRequest:
            return McpLeaseRequest(
                runner=self._runner,
                epoch=self._epoch,
                org_id=org_id,
                server_id=server_id,
                agent_id=agent_id,
                actor=actor,
                public_key=public_key,
                nonce=nonce,
                issued_at=self._now(),
            )

        return await self._asker.obtain(request_of)
