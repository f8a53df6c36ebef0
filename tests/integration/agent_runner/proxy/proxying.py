"""The proxy on a real socket and a real spool, with agents hosted by hand."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn, cast

from aiohttp import ClientSession
from multidict import CIMultiDictProxy
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletionUserMessageParam
from pydantic import SecretStr
from yarl import URL

from agent_runner.agent_protocol.doors import open_doors
from agent_runner.app import create_app
from agent_runner.hosted_agents import HostedAgent, HostedAgents
from agent_runner.http.client import Client, Resolve, connecting
from agent_runner.http.deadlines import watching_deadlines
from agent_runner.http.limits import Limits
from agent_runner.http.server import Server
from agent_runner.leases import HeldLease
from agent_runner.messages.message_desk import MessageDesk
from agent_runner.proxy.admission import Admissions
from agent_runner.proxy.application import ProxyApplication
from agent_runner.proxy.calls import CallBook, interrupted
from agent_runner.proxy.forwarding import Forwarding
from agent_runner.proxy.large_bodies import reading_large_bodies
from agent_runner.proxy.patience import Patience
from agent_runner.repositories.messages import Host
from agent_runner.spool.errors import SpoolBrokenError
from agent_runner.spool.spool import Spool
from agent_runner.tenure import Tenure
from agent_runner.tools.tool_desk import ToolDesk
from shared.agent_tokens import new_token
from shared.contracts.agent_types import AgentType, Resources
from shared.contracts.credentials import LeasedCredential, ProviderType
from shared.contracts.metrics import CallRecord
from shared.contracts.routes import Fallback
from shared.database import Database
from shared.ids import new_id
from shared.testing import FakeBus

__all__ = [
    "HELLO",
    "KEY",
    "MODEL",
    "Answer",
    "Proxy",
    "WatchedSpool",
    "agent_at",
    "break_down",
    "lease_of",
    "open_proxy",
]

KEY = "sk-the-key-of-the-provider-0123456789"
MODEL = "sandbox-echo"
TENURE = Tenure(runner="runner-1", epoch=1, asked_at=0, clock=lambda: 0)
HELLO: ChatCompletionUserMessageParam = {"role": "user", "content": "Hello!"}

_WITHIN_SECONDS = 30
_NOW = datetime(2026, 1, 1, tzinfo=UTC)


def break_down() -> NoReturn:
    """Refuse to write, as a spool does whose disk has failed."""
    raise SpoolBrokenError("The disk refused.")


class WatchedSpool(Spool):
    """The real spool, which tells when it has settled a call, and that it will."""

    before_settling: Callable[[], None] | None = None
    has_settled: asyncio.Event

    def settle(self, call_id: bytes, payload: bytes) -> int:
        if self.before_settling is not None:
            self.before_settling()
        sequence = super().settle(call_id, payload)
        self.has_settled.set()
        return sequence


def lease_of(
    base_url: str,
    *,
    provider_type: ProviderType = ProviderType.OPENAI,
    fields: Mapping[str, str] | None = None,
    **more: Any,
) -> HeldLease:
    secrets = {"api_key": KEY} if fields is None else fields
    return HeldLease(
        id=new_id(),
        credential=LeasedCredential(
            provider_id=new_id(),
            type=provider_type,
            name="sandbox",
            use_case=None,
            base_url=base_url,
            fields={name: SecretStr(each) for name, each in secrets.items()},
            **{"enabled": True, "version": 1, **more},
        ),
        obtained_at=_NOW,
        expires_at=_NOW + timedelta(minutes=10),
    )


def agent_at(
    address: str, *, lease: HeldLease, models: list[str], use_case: str | None = None
) -> HostedAgent:
    """Make an agent whose process was given the key of *lease*."""
    agent_type = AgentType(
        id=new_id(),
        version=1,
        name="type",
        slug="type",
        use_case=use_case,
        labels={},
        provider_id=lease.credential.provider_id,
        model=models[0],
        allowed_models=models,
        system_prompt="",
        temperature=None,
        max_tokens=None,
        resources=Resources(),
        created_at=_NOW,
        updated_at=_NOW,
    )
    return HostedAgent(
        host=Host(agent_id=new_id(), runner="runner-1", epoch=1, incarnation=1),
        org_id=new_id(),
        name="ada",
        agent_type=agent_type,
        lease=lease,
        address=address,
        token=new_token(),
        started_at=_NOW,
        delivered=_hashes(lease),
    )


def _hashes(lease: HeldLease) -> frozenset[bytes]:
    keys = lease.credential.fields.values()
    return frozenset(
        hashlib.sha256(each.get_secret_value().encode()).digest() for each in keys
    )


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: "CIMultiDictProxy[str]"
    body: bytes

    @property
    def code(self) -> str:
        """Give the `code` of an error in OpenAI's shape."""
        code: str = json.loads(self.body)["error"]["code"]
        return code


@dataclass
class Proxy:
    """One agent's way through the proxy, and what the spool has of its calls."""

    agent: HostedAgent
    hosted: HostedAgents
    calls: ProxyApplication
    doors: Server
    spool: WatchedSpool
    port: int
    clients: list[AsyncOpenAI] = field(default_factory=list)

    @property
    def path(self) -> str:
        return f"/a/{self.agent.token}/openai/v1"

    @property
    def origin(self) -> str:
        return f"http://{self.agent.address}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.origin}{self.path}"

    @property
    def bedrock_url(self) -> str:
        return f"{self.origin}/a/{self.agent.token}/bedrock"

    @property
    def anthropic_url(self) -> str:
        return f"{self.origin}/a/{self.agent.token}/anthropic"

    def client(self, **options: Any) -> AsyncOpenAI:
        """Give the official client as the agent has it, but that it tries once."""
        given: dict[str, Any] = {"base_url": self.url, "api_key": KEY, "max_retries": 0}
        client = AsyncOpenAI(**given | options)
        self.clients.append(client)
        return client

    def sync_client(self) -> OpenAI:
        return OpenAI(base_url=self.url, api_key=KEY, max_retries=0)

    def allow(self, *models: str) -> None:
        self.change_type(allowed_models=list(models))

    def change_type(self, **fields: Any) -> None:
        self.agent.agent_type = self.agent.agent_type.model_copy(update=fields)

    def move_to(self, lease: HeldLease) -> None:
        """Let the agent have been started on the provider of *lease*."""
        self.agent.lease = lease
        self.agent.delivered = _hashes(lease)

    def lead_to(self, base_url: str) -> None:
        self.agent.lease = lease_of(base_url)

    def fall_back_to(self, lease: HeldLease, model: str = MODEL) -> None:
        """Let the agent's type have one more fallback, which is leased."""
        provider_id = lease.credential.provider_id
        fallback = Fallback(provider_id=provider_id, model=model)
        self.change_type(fallbacks=[*self.agent.agent_type.fallbacks, fallback])
        self.agent.fallback_leases[provider_id] = lease

    def change_credential(self, **fields: Any) -> None:
        """Swap the lease as its renewal does."""
        credential = self.agent.lease.credential.model_copy(update=fields)
        self.agent.lease = replace(self.agent.lease, credential=credential)

    async def ask(
        self,
        path: str,
        body: Any = None,
        *,
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send exactly these bytes to exactly *path*: no library tidies them up.

        *path* is below `/openai/v1`, or absolute.
        """
        where = path if path.startswith("/") else f"{self.path}/{path}"
        given = {"Authorization": f"Bearer {KEY}", **(headers or {})}
        url = URL(f"http://127.0.0.1:{self.port}{where}", encoded=True)
        async with (
            ClientSession(auto_decompress=False) as session,
            session.request(method, url, data=body, headers=given) as response,
        ):
            return Answer(response.status, response.headers, await response.read())

    def records(self) -> list[CallRecord]:
        settled = self.spool.read_settled(0, limit=100_000, max_bytes=1 << 40)
        return [CallRecord.model_validate_json(each.payload) for each in settled]

    async def settled(self, count: int = 1) -> list[CallRecord]:
        """Wait until *count* calls have ended; return what is recorded of each."""
        async with asyncio.timeout(_WITHIN_SECONDS):
            while self.spool.last_sequence < count:
                self.spool.has_settled.clear()
                await self.spool.has_settled.wait()
        return self.records()

    async def settled_one(self) -> CallRecord:
        (record,) = await self.settled()
        return record


@asynccontextmanager
async def open_proxy(
    folder: Path,
    base_url: str,
    *,
    allow_private: bool = True,
    silence: timedelta = timedelta(seconds=30),
    patience: timedelta = timedelta(seconds=30),
    idle: timedelta = timedelta(seconds=30),
    resolve: Resolve | None = None,
    max_spool_bytes: int | None = None,
    segment_bytes: int = 8 * 1024 * 1024,
    retrying: Patience | None = None,
    limits: Admissions | None = None,
    other_calls: int = 0,
    client_of: Callable[[Client], Client] = lambda client: client,
) -> AsyncIterator[Proxy]:
    """Open the runner's door on 127.0.0.1 with an agent of the provider *base_url*.

    With *other_calls* it writes as if so many more were in hand.
    """
    with (
        WatchedSpool.open(
            folder,
            interrupted=interrupted,
            segment_bytes=segment_bytes,
            max_total_bytes=max_spool_bytes,
        ) as spool,
        reading_large_bodies() as large_bodies,
    ):
        assert isinstance(spool, WatchedSpool)
        spool.has_settled = asyncio.Event()
        hosted = HostedAgents(TENURE)
        async with (
            watching_deadlines() as deadlines,
            connecting(
                deadlines=deadlines,
                allow_private=allow_private,
                silence=silence,
                resolve=resolve,
            ) as client,
            open_doors(
                calls := ProxyApplication(
                    hosted,
                    Forwarding(
                        client=client_of(client),
                        book=CallBook(spool, runner="runner-1"),
                        large_bodies=large_bodies,
                        patience=retrying,
                        limits=limits,
                    ),
                    large_bodies,
                ),
                create_app(hosted, _desk(), cast(ToolDesk, None)),
                deadlines=deadlines,
                limits=Limits(idle=idle, head=idle, patience=patience),
                address="127.0.0.1",
                port=0,
                in_callbacks=calls.directly,
                turn=client.turn,
            ) as doors,
        ):
            client.turn.calls_in_hand += other_calls
            port = await doors.open("127.0.0.1")
            agent = agent_at("127.0.0.1", lease=lease_of(base_url), models=[MODEL])
            hosted.add(agent)
            proxy = Proxy(agent, hosted, calls, doors, spool, port)
            try:
                yield proxy
            finally:
                for each in proxy.clients:
                    await each.close()


def _desk() -> MessageDesk:
    """Make a desk for agents that never ask for a message."""
    return MessageDesk(
        database=cast(Database, None),
        bus=FakeBus(),
        tenure=TENURE,
        most_deliveries=3,
    )
