"""Stand-ins for what a runner talks to: the credentials service, and a runtime."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from agent_runner.runtimes.agent_output import AgentOutput
from agent_runner.runtimes.errors import ImageRefusedError, LaunchFailedError
from agent_runner.runtimes.outputs import Outputs
from agent_runner.runtimes.runtime import Exited, ExitReason, Launch, Placed
from shared.bus import Answer, answer
from shared.contracts.base import Empty, Signed
from shared.contracts.credentials import (
    CLAIM_USES,
    GET_PROVIDER,
    LEASE,
    LEASE_PURPOSE,
    LEASE_REPLY_PURPOSE,
    RELEASE_USES,
    ClaimUses,
    CredentialState,
    LeasedCredential,
    LeaseRequest,
    Provider,
    ProviderLimits,
    ProviderQuestion,
    ProviderStatus,
    ProviderType,
    ReleaseUses,
    lease_binding,
)
from shared.contracts.leasing import SealedLease
from shared.contracts.mcp_servers import (
    GET_MCP_SERVER,
    LEASE_MCP_SERVER,
    MCP_LEASE_PURPOSE,
    REMOVE_MCP_SERVER,
    LeasedMcpServer,
    McpLeaseRequest,
    McpServer,
    McpServerQuestion,
)
from shared.errors import (
    AppError,
    LeaseRefusedError,
    McpServerGoneError,
    McpServerNotFoundError,
    ProviderGoneError,
    ProviderNotFoundError,
    StaleGenerationError,
    UnavailableError,
)
from shared.identity import Identity
from shared.ids import new_id
from shared.leasing import LeaseSealer
from shared.sealing import seal
from shared.signing import signed_bytes, verify

__all__ = ["FakeCredentials", "FakeRuntime"]


@dataclass
class FakeCredentials:
    """Keeps the promises of uses and leases: generations, claims before leases.

    *claiming* is done first of each claim, and *leasing* of each lease; *trouble* is
    what every lease is refused with, *session_ends_at* the end of what is leased;
    *type*, *region*, *base_url* and *fields*, instead of its key, are those of every
    provider.
    """

    identity: Identity
    runner: Identity
    secrets: dict[UUID, str] = field(default_factory=dict)
    generations: dict[UUID, int] = field(default_factory=dict)
    uses: dict[UUID, set[UUID]] = field(default_factory=dict)
    released: set[UUID] = field(default_factory=set)
    leased: int = 0
    refuse_claims: bool = False
    claiming: Callable[[ClaimUses], Awaitable[object]] | None = None
    leasing: Callable[[LeaseRequest], Awaitable[object]] | None = None
    trouble: AppError | None = None
    disabled: set[UUID] = field(default_factory=set)
    session_ends_at: datetime | None = None
    type: ProviderType = ProviderType.OPENAI
    region: str | None = None
    base_url: str = "http://127.0.0.1:1/v1"
    fields: dict[str, str] | None = None
    mcp_servers: dict[UUID, LeasedMcpServer] = field(default_factory=dict)
    mcp_uses: dict[UUID, set[UUID]] = field(default_factory=dict)
    mcp_leases: list[McpLeaseRequest] = field(default_factory=list)

    def answers(self) -> tuple[Answer, ...]:
        return (
            answer(GET_PROVIDER, self._get),
            answer(CLAIM_USES, self._claim),
            answer(RELEASE_USES, self._release),
            answer(LEASE, self._lease),
            answer(GET_MCP_SERVER, self._get_mcp_server),
            answer(REMOVE_MCP_SERVER, self._remove_mcp_server),
            answer(LEASE_MCP_SERVER, self._lease_mcp_server),
        )

    async def _get(self, question: ProviderQuestion) -> Provider:
        if question.provider_id not in self.secrets:
            raise ProviderNotFoundError("There is no such provider.")
        at = datetime.now(UTC)
        return Provider(
            id=question.provider_id,
            name="openai",
            type=self.type,
            use_case=None,
            labels={},
            base_url=self.base_url,
            aws_region=self.region,
            limits=ProviderLimits(),
            enabled=True,
            status=ProviderStatus.READY,
            credential=CredentialState(version=1),
            version=1,
            created_at=at,
            updated_at=at,
        )

    async def _claim(self, question: ClaimUses) -> Empty:
        if self.refuse_claims:
            raise UnavailableError("Not now.")
        if self.claiming is not None:
            await self.claiming(question)
        self._advance(question.agent_id, question.generation)
        if not set(question.provider_ids) <= set(self.secrets):
            raise ProviderGoneError("A provider is gone.")
        if not set(question.mcp_server_ids) <= set(self.mcp_servers):
            raise McpServerGoneError("An MCP server is gone.")
        self.uses[question.agent_id] = set(question.provider_ids)
        self.mcp_uses[question.agent_id] = set(question.mcp_server_ids)
        return Empty()

    async def _release(self, question: ReleaseUses) -> Empty:
        self._advance(question.agent_id, question.generation)
        self.uses[question.agent_id] = set()
        self.mcp_uses[question.agent_id] = set()
        self.released.add(question.agent_id)
        return Empty()

    def _advance(self, agent_id: UUID, generation: int) -> None:
        if generation < self.generations.get(agent_id, 0):
            raise StaleGenerationError("Overtaken.")
        self.generations[agent_id] = generation

    async def _lease(self, signed: Signed) -> SealedLease:
        request = verify(
            signed, LeaseRequest, purpose=LEASE_PURPOSE, of=self.runner.public
        )
        if self.leasing is not None:
            await self.leasing(request)
        if not self._may_have(request):
            raise LeaseRefusedError("This lease is refused.")
        if self.trouble is not None:
            raise self.trouble
        self.leased += 1
        leased = LeasedCredential.model_validate(
            {
                "provider_id": request.provider_id,
                "type": self.type,
                "name": "openai",
                "use_case": None,
                "base_url": self.base_url,
                "enabled": request.provider_id not in self.disabled,
                "version": 1,
                "aws_region": self.region,
                "fields": self.fields or {"api_key": self.secrets[request.provider_id]},
                "expires_at": self.session_ends_at,
            }
        )
        sealed = seal(
            leased.model_dump_json().encode(),
            to=request.public_key,
            info=lease_binding(signed.body),
        )
        return SealedLease(
            lease_id=new_id(),
            expires_at=datetime.now(UTC) + timedelta(hours=1),
            sealed=sealed,
            signature=self.identity.sign(
                signed_bytes(LEASE_REPLY_PURPOSE, signed.body, sealed)
            ),
        )

    async def _get_mcp_server(self, question: McpServerQuestion) -> McpServer:
        server = self.mcp_servers.get(question.server_id)
        if server is None:
            raise McpServerNotFoundError("There is no such MCP server.")
        at = datetime.now(UTC)
        return McpServer(
            id=server.server_id,
            name=server.name,
            url=server.url,
            has_token=server.token is not None,
            version=1,
            created_at=at,
            updated_at=at,
        )

    async def _remove_mcp_server(self, question: McpServerQuestion) -> Empty:
        if self.mcp_servers.pop(question.server_id, None) is None:
            raise McpServerNotFoundError("There is no such MCP server.")
        return Empty()

    async def _lease_mcp_server(self, signed: Signed) -> SealedLease:
        request = verify(
            signed, McpLeaseRequest, purpose=MCP_LEASE_PURPOSE, of=self.runner.public
        )
        if request.agent_id is not None:
            used = self.mcp_uses.get(request.agent_id, set())
            if request.server_id not in used:
                raise LeaseRefusedError("This lease is refused.")
        self.mcp_leases.append(request)
        return LeaseSealer(self.identity, MCP_LEASE_PURPOSE).sealed(
            self.mcp_servers[request.server_id],
            asked=signed,
            to=request.public_key,
            lease_id=new_id(),
            expires_at=datetime.now(UTC) + timedelta(minutes=10),
        )

    def _may_have(self, request: LeaseRequest) -> bool:
        if request.agent_id is None:
            return request.provider_id in self.secrets
        return request.provider_id in self.uses.get(request.agent_id, set())


class FakeRuntime:
    """Places agents in a dictionary; a test speaks for them over HTTP.

    *failure* is what every launch raises, *trouble* what every stop and survey does.
    Each prints `hello`, and what the test has it print through `output`.
    """

    def __init__(self) -> None:
        self.launched: dict[UUID, Launch] = {}
        self.launches = 0
        self.outputs = Outputs()
        self.refused_images: set[str] = set()
        self.launching: asyncio.Queue[Launch] = asyncio.Queue()
        self.failure: Exception | None = None
        self.trouble: Exception | None = None
        self._exited: asyncio.Queue[Exited] = asyncio.Queue()

    async def check_image(self, image: str) -> None:
        if image in self.refused_images:
            raise ImageRefusedError(f"The image {image} is not allowed.")

    async def connect(self, agent_id: UUID, org_id: UUID, epoch: int) -> str:
        del agent_id, org_id, epoch
        return "127.0.0.1"

    async def launch(self, launch: Launch) -> None:
        if self.failure is not None:
            raise self.failure
        if launch.agent_id in self.launched:
            raise LaunchFailedError("It runs already.")
        self.launched[launch.agent_id] = launch
        output = AgentOutput(launch.secrets)
        output.hear(b"hello\n")
        self.outputs.keep(launch.agent_id, output)
        self.launches += 1
        await self.launching.put(launch)

    async def stop(self, agent_id: UUID, *, grace: timedelta) -> None:
        del grace
        self._require_engine()
        if self.launched.pop(agent_id, None) and (output := self.output(agent_id)):
            output.end()

    async def survey(self) -> list[Placed]:
        self._require_engine()
        return [
            Placed(each.agent_id, each.org_id, each.epoch, is_running=True)
            for each in self.launched.values()
        ]

    async def refused(self) -> dict[UUID, int]:
        return {}

    async def exits(self) -> AsyncIterator[Exited]:
        while True:
            yield await self._exited.get()

    def output(self, agent_id: UUID) -> AgentOutput | None:
        return self.outputs.of(agent_id)

    def _require_engine(self) -> None:
        if self.trouble is not None:
            raise self.trouble

    async def die(self, agent_id: UUID) -> None:
        """End an agent's process from outside."""
        launch = self.launched.pop(agent_id)
        await self._exited.put(
            Exited(agent_id, launch.epoch, 1, ExitReason.EXITED, "Traceback …")
        )
