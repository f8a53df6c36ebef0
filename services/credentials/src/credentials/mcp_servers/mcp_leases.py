"""Use cases of leases of MCP servers: the token goes to the runner that may have it.

The order is that of `credentials.leases.leases`: who asks is checked, the lease and its
audit entry are committed, and only then is the token opened, sealed to the key in the
request.
"""

from datetime import timedelta

import structlog
from pydantic import JsonValue, SecretStr, ValidationError

from credentials.administration.freeze import require_thawed
from credentials.leases.enrolment import Enrolment
from credentials.leases.lease_requests import (
    LeaseRequests,
    Refusal,
    RefusedError,
    told_of,
)
from credentials.repositories import mcp_servers as repository
from credentials.repositories.audit import note
from credentials.repositories.mcp_servers import McpLease, StoredMcpServer
from credentials.vault import Vault
from shared.clock import Clock, utc_now
from shared.contracts.base import Actor, Signed
from shared.contracts.leasing import SealedLease
from shared.contracts.mcp_servers import (
    MCP_LEASE_PURPOSE,
    LeasedMcpServer,
    McpLeaseRequest,
)
from shared.database import Database, Transaction
from shared.errors import AppError, CredentialsFrozenError
from shared.identity import Identity
from shared.ids import new_id
from shared.leasing import LeaseSealer

from .mcp_servers import TOKEN

__all__ = ["McpLeases"]

log = structlog.get_logger(__name__)

_LIFETIME = timedelta(minutes=10)
_LIFETIME_OF_ONE_LOOK = timedelta(minutes=1)


class McpLeases:
    def __init__(
        self,
        *,
        database: Database,
        vault: Vault,
        enrolment: Enrolment,
        identity: Identity,
        now: Clock = utc_now,
    ) -> None:
        self._database = database
        self._vault = vault
        self._requests = LeaseRequests(enrolment, now=now)
        self._sealer = LeaseSealer(identity, MCP_LEASE_PURPOSE)
        self._now = now

    async def lease(self, signed: Signed) -> SealedLease:
        """Hand a server's address and token to a runner.

        Raises `LeaseRefusedError` without saying why; saying why
        `CredentialsFrozenError`, `MasterKeyUnavailableError`, `UnavailableError` if the
        clocks differ, and `CredentialUnreadableError` if the stored token does not
        open.
        """
        try:
            request = self._requests.believed(
                signed, McpLeaseRequest, purpose=MCP_LEASE_PURPOSE
            )
            lease, stored = await self._granted(request)
        except RefusedError as refused:
            await self._note_refused(signed, refused.reason)
            raise told_of(refused.reason) from None
        except CredentialsFrozenError:
            await self._note_refused(signed, Refusal.FROZEN)
            raise
        leased = LeasedMcpServer(
            server_id=stored.server.id,
            name=stored.server.name,
            url=stored.server.url,
            token=await self._token(request, lease, stored),
            version=stored.server.version,
        )
        log.info("mcp_lease.granted", lease=str(lease.id), runner=request.runner)
        return self._sealer.sealed(
            leased,
            asked=signed,
            to=request.public_key,
            lease_id=lease.id,
            expires_at=lease.expires_at,
        )

    async def forget_expired(self) -> None:
        """Drop the rows of leases that ended; nonces age in seconds."""
        async with self._database.sweep() as transaction:
            await repository.forget_mcp_leases(transaction, expired_before=self._now())

    async def _granted(
        self, request: McpLeaseRequest
    ) -> tuple[McpLease, StoredMcpServer]:
        """Store the lease and its audit entry, if there is a right to it."""
        async with self._database.organization(request.org_id) as transaction:
            stored = await _found(transaction, request)
            if stored is None:
                raise RefusedError(Refusal.NO_MCP_SERVER)
            await require_thawed(transaction)
            lease = self._lease(request)
            if not await repository.add_mcp_lease(transaction, lease):
                raise RefusedError(Refusal.REPLAYED)
            await _note(transaction, request, "lease.granted", _facts(lease, request))
        return lease, stored

    def _lease(self, request: McpLeaseRequest) -> McpLease:
        now = self._now()
        is_agents = request.agent_id is not None
        return McpLease(
            id=new_id(),
            org_id=request.org_id,
            server_id=request.server_id,
            agent_id=request.agent_id,
            runner=request.runner,
            nonce=request.nonce,
            granted_at=now,
            expires_at=now + (_LIFETIME if is_agents else _LIFETIME_OF_ONE_LOOK),
        )

    async def _token(
        self, request: McpLeaseRequest, lease: McpLease, stored: StoredMcpServer
    ) -> SecretStr | None:
        """Open the token; a failure is an audit entry beside that of the lease."""
        if stored.token is None:
            return None
        try:
            fields = await self._vault.open(stored.token, stored.context)
        except AppError as error:
            log.exception("mcp_lease.failed", lease=str(lease.id), code=error.code)
            async with self._database.organization(request.org_id) as transaction:
                facts = _facts(lease, request) | {"code": error.code}
                await _note(transaction, request, "lease.failed", facts)
            raise
        return fields[TOKEN]

    async def _note_refused(self, signed: Signed, reason: Refusal) -> None:
        """Keep the reason in the audit of the organization that the words name.

        Whoever is behind it is told only if the signature may be believed.
        """
        log.warning("mcp_lease.refused", signer=signed.signer, reason=reason)
        try:
            request = McpLeaseRequest.model_validate_json(signed.body)
        except ValidationError:
            return
        signer = Actor(kind="service", id=self._requests.signer(signed, reason))
        async with self._database.organization(request.org_id) as transaction:
            await _note(
                transaction,
                request.model_copy(update={"actor": signer}),
                "lease.refused",
                {"reason": reason, "agent_id": _text(request.agent_id)},
            )


async def _found(
    transaction: Transaction, request: McpLeaseRequest
) -> StoredMcpServer | None:
    if request.agent_id is None:
        return await repository.stored_mcp_server(transaction, request.server_id)
    return await repository.used_mcp_server(
        transaction, request.server_id, agent_id=request.agent_id
    )


def _facts(lease: McpLease, request: McpLeaseRequest) -> dict[str, JsonValue]:
    """Tell of a lease what there is to tell; the server is the entry's object."""
    facts: dict[str, JsonValue] = {
        "lease_id": str(lease.id),
        "agent_id": _text(lease.agent_id),
        "runner": lease.runner,
        "epoch": request.epoch,
    }
    return {name: fact for name, fact in facts.items() if fact is not None}


def _text(value: object) -> str | None:
    return None if value is None else str(value)


async def _note(
    transaction: Transaction,
    request: McpLeaseRequest,
    act: str,
    details: dict[str, JsonValue],
) -> None:
    """Note that the runner has done *act*, or whoever had it look."""
    await note(
        transaction,
        org_id=request.org_id,
        actor=request.actor or Actor(kind="service", id=request.runner),
        act=act,
        object_kind="mcp_server",
        object_id=request.server_id,
        details=details,
    )
