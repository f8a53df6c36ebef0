"""Use cases of MCP servers: make, read, change the token, remove."""

import hmac

import structlog
from pydantic import JsonValue, SecretStr

from credentials.envelope import McpServerContext
from credentials.providers.base_url import origin_of
from credentials.providers.secret_text import hint_of, trimmed
from credentials.providers.submissions import Submissions, SubmittedT
from credentials.repositories import mcp_servers as repository
from credentials.repositories.audit import note
from credentials.repositories.mcp_servers import NewToken
from credentials.vault import Vault
from shared.bus import Bus
from shared.contracts.base import Empty, Page, PageQuestion
from shared.contracts.mcp_servers import (
    MCP_SERVER_CHANGED,
    CreateMcpServer,
    McpServer,
    McpServerChanged,
    McpServerPatch,
    McpServerQuestion,
    McpServerSubmission,
    UpdateMcpServer,
    mcp_submission_binding,
)
from shared.database import Database, Transaction
from shared.errors import ConflictError, McpServerInUseError, PreconditionFailedError
from shared.pages import before, page_of

from .urls import normalised

__all__ = ["TOKEN", "McpServers"]

log = structlog.get_logger(__name__)

TOKEN = "token"  # noqa: S105 - the name of the field
"""What the sealed field of a server is called."""

_Act = CreateMcpServer | UpdateMcpServer | McpServerQuestion


class McpServers:
    """A token arrives in *submissions*; what is stored is sealed anew by *vault*."""

    def __init__(
        self, *, database: Database, vault: Vault, bus: Bus, submissions: Submissions
    ) -> None:
        self._database = database
        self._vault = vault
        self._bus = bus
        self._submissions = submissions

    async def create(self, question: CreateMcpServer) -> McpServer:
        """Add a server; a repeat of the submission that made it returns it again.

        Raises `McpUrlForbiddenError`, `NameTakenError`, `MasterKeyUnavailableError`, or
        `ConflictError` if the id is another server's.
        """
        submission = self._opened(question, McpServerSubmission)
        fingerprint = self._submissions.fingerprint(submission, binding=_of(question))
        try:
            return await self._add(question, submission, fingerprint)
        except ConflictError:
            if not await self._is_made_by(question, fingerprint):
                raise
        return await self._read(question)

    async def update(self, question: UpdateMcpServer) -> McpServer:
        """Give a server another token, or none; begin again whenever overtaken.

        It is sealed before the transaction: the master key may be slow, and a
        transaction holds locks.
        """
        patch = self._opened(question, McpServerPatch)
        if not patch.model_fields_set:
            return await self._read(question)
        while True:
            current = await self._read(question)
            _require_version(current, question.if_version)
            version = current.version + 1
            token = await self._sealed(
                question, patch.token, url=current.url, version=version
            )
            async with self._database.organization(question.org_id) as transaction:
                locked = await repository.lock_mcp_server(transaction, current.id)
                if locked.version != current.version:
                    continue
                await repository.put_token(
                    transaction, current.id, token, version=version
                )
                await _note(
                    transaction,
                    question,
                    "mcp_server.updated",
                    {"has_token": token is not None},
                )
                changed = await repository.mcp_server(transaction, current.id)
            await self._tell_changed(question)
            return changed

    async def remove(self, question: McpServerQuestion) -> Empty:
        """Remove a server and its token. Raises `McpServerInUseError`."""
        async with self._database.organization(question.org_id) as transaction:
            server = await repository.lock_mcp_server(transaction, question.server_id)
            await _require_unused(transaction, server)
            await repository.remove_mcp_server(transaction, server.id)
            await _note(
                transaction, question, "mcp_server.deleted", {"name": server.name}
            )
        await self._tell_changed(question)
        return Empty()

    async def get(self, question: McpServerQuestion) -> McpServer:
        return await self._read(question)

    async def list(self, question: PageQuestion) -> Page[McpServer]:
        async with self._database.organization(question.org_id) as transaction:
            found = await repository.mcp_servers(
                transaction, before=before(question.cursor), limit=question.limit + 1
            )
        return page_of(found, limit=question.limit, id_of=lambda each: each.id)

    def _opened(
        self, question: CreateMcpServer | UpdateMcpServer, kind: type[SubmittedT]
    ) -> SubmittedT:
        return self._submissions.opened(question.sealed, kind, binding=_of(question))

    async def _add(
        self,
        question: CreateMcpServer,
        submission: McpServerSubmission,
        fingerprint: bytes,
    ) -> McpServer:
        url = normalised(submission.url)
        token = await self._sealed(question, submission.token, url=url, version=1)
        async with self._database.organization(question.org_id) as transaction:
            await repository.add_mcp_server(
                transaction,
                org_id=question.org_id,
                server_id=question.server_id,
                name=submission.name,
                url=url,
                fingerprint=fingerprint,
            )
            await repository.put_token(
                transaction, question.server_id, token, version=1
            )
            facts: dict[str, JsonValue] = {"name": submission.name, "url": url}
            await _note(transaction, question, "mcp_server.created", facts)
            server = await repository.mcp_server(transaction, question.server_id)
        log.info("mcp_server.created", server=str(server.id))
        return server

    async def _sealed(
        self, question: _Act, token: SecretStr | None, *, url: str, version: int
    ) -> NewToken | None:
        if token is None:
            return None
        secret = trimmed(token, field=TOKEN)
        context = McpServerContext(
            question.org_id, question.server_id, version, origin_of(url)
        )
        sealed = await self._vault.seal({TOKEN: secret}, context)
        return NewToken(sealed, hint_of(secret))

    async def _is_made_by(self, question: CreateMcpServer, fingerprint: bytes) -> bool:
        async with self._database.organization(question.org_id) as transaction:
            made_by = await repository.mcp_fingerprint_of(
                transaction, question.server_id
            )
        return made_by is not None and hmac.compare_digest(made_by, fingerprint)

    async def _read(self, question: _Act) -> McpServer:
        async with self._database.organization(question.org_id) as transaction:
            return await repository.mcp_server(transaction, question.server_id)

    async def _tell_changed(self, question: _Act) -> None:
        changed = McpServerChanged(org_id=question.org_id, server_id=question.server_id)
        await self._bus.signal(MCP_SERVER_CHANGED, changed)


def _of(question: CreateMcpServer | UpdateMcpServer) -> bytes:
    return mcp_submission_binding(question.org_id, question.server_id)


def _require_version(server: McpServer, if_version: int | None) -> None:
    if if_version not in {None, server.version}:
        raise PreconditionFailedError(
            f"MCP server {server.id} has moved on to version {server.version}."
        )


async def _require_unused(transaction: Transaction, server: McpServer) -> None:
    """Look for uses of a locked server: none can be added before it is gone."""
    agents = await repository.agents_using_mcp_server(transaction, server.id)
    if not agents:
        return
    raise McpServerInUseError(
        f'Agents use the MCP server "{server.name}"; stop them first.',
        details={
            "agents": [{"id": str(agent.id), "name": agent.name} for agent in agents]
        },
    )


async def _note(
    transaction: Transaction, question: _Act, act: str, details: dict[str, JsonValue]
) -> None:
    await note(
        transaction,
        org_id=question.org_id,
        actor=question.actor,
        act=act,
        object_kind="mcp_server",
        object_id=question.server_id,
        details=details,
    )
