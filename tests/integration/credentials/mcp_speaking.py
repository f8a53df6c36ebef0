"""Those who speak to the credentials service of MCP servers."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.bus import NatsBus
from shared.contracts.base import Actor, PageQuestion
from shared.contracts.credentials import CLAIM_USES, ClaimUses
from shared.contracts.mcp_servers import (
    CREATE_MCP_SERVER,
    GET_MCP_SERVER,
    LEASE_MCP_SERVER,
    LIST_MCP_SERVERS,
    MCP_LEASE_PURPOSE,
    REMOVE_MCP_SERVER,
    UPDATE_MCP_SERVER,
    CreateMcpServer,
    LeasedMcpServer,
    McpLeaseRequest,
    McpServer,
    McpServerPatch,
    McpServerQuestion,
    McpServerSubmission,
    UpdateMcpServer,
    mcp_submission_binding,
)
from shared.identity import Identity, PublicIdentity
from shared.ids import new_id
from shared.leasing import LeaseAsker
from shared.sealing import seal

from .speaking import Operator, Runner

__all__ = ["TOKEN", "URL", "McpOperator", "McpRunner"]

URL = "https://mcp.example.com/mcp"
TOKEN = "mcp-token-0123456789-wxyz"


@dataclass(frozen=True, slots=True)
class McpOperator:
    """Someone of one organization, through the gateway."""

    operator: Operator

    async def create(
        self,
        name: str = "tickets",
        *,
        server_id: UUID | None = None,
        sealed_for: UUID | None = None,
        **fields: Any,
    ) -> McpServer:
        server_id = server_id or new_id()
        submission = McpServerSubmission.model_validate(
            {"name": name, "url": URL, "token": TOKEN, **fields}
        )
        words = submission.model_dump_json()
        question = CreateMcpServer(
            org_id=self.operator.org_id,
            actor=self.operator.actor,
            server_id=server_id,
            sealed=self._sealed(words, sealed_for or server_id),
        )
        return await self.operator.bus.ask(CREATE_MCP_SERVER, question)

    async def update(
        self, server_id: UUID, *, if_version: int | None = None, **fields: Any
    ) -> McpServer:
        words = McpServerPatch.model_validate(fields).model_dump_json()
        question = UpdateMcpServer(
            org_id=self.operator.org_id,
            actor=self.operator.actor,
            server_id=server_id,
            sealed=self._sealed(words, server_id),
            if_version=if_version,
        )
        return await self.operator.bus.ask(UPDATE_MCP_SERVER, question)

    async def get(self, server_id: UUID) -> McpServer:
        question = McpServerQuestion(
            org_id=self.operator.org_id, actor=self.operator.actor, server_id=server_id
        )
        return await self.operator.bus.ask(GET_MCP_SERVER, question)

    async def list(self) -> list[McpServer]:
        question = PageQuestion(org_id=self.operator.org_id, actor=self.operator.actor)
        page = await self.operator.bus.ask(LIST_MCP_SERVERS, question)
        return page.data

    def _sealed(self, words: str, server_id: UUID) -> bytes:
        return seal(
            words.encode(),
            to=self.operator.credentials.sealing_key,
            info=mcp_submission_binding(self.operator.org_id, server_id),
        )


@dataclass(frozen=True, slots=True)
class McpRunner:
    """A runner whose agents have tools of MCP servers."""

    runner: Runner
    credentials: PublicIdentity

    @property
    def bus(self) -> NatsBus:
        return self.runner.bus

    async def claim(
        self, agent_id: UUID, provider_id: UUID, *server_ids: UUID, generation: int = 1
    ) -> None:
        question = ClaimUses(
            org_id=self.runner.org_id,
            actor=self.runner.actor,
            agent_id=agent_id,
            agent_name="Ada",
            provider_ids=[provider_id],
            mcp_server_ids=list(server_ids),
            generation=generation,
        )
        await self.bus.ask(CLAIM_USES, question)

    async def remove(self, server_id: UUID, *, actor: Actor | None = None) -> None:
        question = McpServerQuestion(
            org_id=self.runner.org_id,
            actor=actor or self.runner.actor,
            server_id=server_id,
        )
        await self.bus.ask(REMOVE_MCP_SERVER, question)

    async def lease(
        self, server_id: UUID, *, by: Identity | None = None, **words: Any
    ) -> LeasedMcpServer:
        asker = LeaseAsker(
            bus=self.bus,
            identity=by or self.runner.identity,
            credentials=self.credentials,
            endpoint=LEASE_MCP_SERVER,
            purpose=MCP_LEASE_PURPOSE,
            plaintext=LeasedMcpServer,
        )
        usual = {
            "runner": self.runner.name,
            "epoch": 1,
            "org_id": self.runner.org_id,
            "server_id": server_id,
        }

        def request_of(public_key: bytes, nonce: bytes) -> McpLeaseRequest:
            fresh = {"public_key": public_key, "nonce": nonce}
            return McpLeaseRequest.model_validate(fresh | usual | words)

        return (await asker.obtain(request_of)).plaintext
