"""Where the parts of the agent-runner meet. Read this first."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from aiohttp import web

from shared.bus import Answer, NatsBus, answer, answer_ping, connect_bus
from shared.collecting import telling_of_spans
from shared.contracts import agent_runner as contract
from shared.contracts import conversations
from shared.contracts import limits as limits_contract
from shared.contracts import mcp_tools as mcp_contract
from shared.contracts import probes as probe_contract
from shared.contracts.base import Service
from shared.contracts.credentials import PROVIDER_CHANGED
from shared.contracts.mcp_servers import MCP_SERVER_CHANGED
from shared.contracts.restarts import LIST_CONCERNED_AGENTS
from shared.contracts.runners import (
    DRAIN_RUNNER,
    GET_RUNNER,
    LIST_RUNNERS,
    UNDRAIN_RUNNER,
)
from shared.database import Database, connect_database
from shared.guarded_http import guarded_http
from shared.http import tell_errors
from shared.identity import Identity
from shared.lifecycle import background, every
from shared.migrations import migrate

from .agent_protocol import routes as agent_routes
from .agent_protocol.doors import answered_once, open_doors
from .agents.agent_logs import LogReader
from .agents.agent_types import AgentTypes
from .agents.agents import Agents
from .agents.audit import Audit
from .agents.budgets import Budgets
from .agents.claims import Claims
from .agents.external_agents import ExternalAgents
from .agents.limit_standings import LimitStandings
from .agents.mcp_servers import McpServers
from .agents.runners import Runners
from .attempt_log import AttemptLog
from .attempts import Attempts
from .external.callers import ExternalCallers
from .external.listener import base_urls, tls_context
from .external.shared_leases import SharedLeases
from .hosted_agents import HostedAgents
from .hosting.agent_life import AgentLife
from .hosting.heartbeat import Heartbeat
from .hosting.hosting import Hosting
from .hosting.lease_renewal import LeaseRenewal
from .hosting.takeover import Takeover
from .http.client import connecting
from .http.deadlines import Deadlines, watching_deadlines
from .http.limits import Limits
from .http.server import serving as serving_http
from .leases import Leases
from .limits.active_budgets import ActiveBudgets
from .limits.leasing import Leasing
from .limits.platform import PlatformLimits
from .limits.reaching import Reaching
from .measured import Measured
from .messages.message_control import MessageControl
from .messages.message_desk import MessageDesk
from .messages.messages import Messages
from .messages.retention import Retention
from .messages.thread_reading import ThreadReading
from .placement import Placement
from .probes.probes import Probes
from .proxy.application import ProxyApplication
from .proxy.calls import CallBook, interrupted
from .proxy.forwarding import Forwarding
from .proxy.large_bodies import LargeBodies, reading_large_bodies
from .proxy.limited_calls import LimitedCalls
from .proxy.prices import Prices
from .repositories.agent_types import limits_of as limits_of_type
from .repositories.budgets import all_budgets
from .repositories.external_agents import changes_since, forget_the_gone
from .repositories.hosting import HostingRepository
from .repositories.limit_shares import ShareRepository, note_told
from .repositories.outbox import OutboxRepository
from .repositories.tenures import Enlistment, TenureRepository, enlist
from .runtimes.docker.runtime import docker_runtime
from .runtimes.process.runtime import process_runtime
from .runtimes.runtime import Runtime
from .settings import RuntimeName, Settings
from .shipping import ship_outbox, ship_spool
from .spool.spool import Spool
from .tenure import Tenure, boot_time
from .tools.mcp.leased_servers import LeasedServers
from .tools.mcp.mcp_tools import McpTools
from .tools.tool_desk import ToolDesk

__all__ = ["create_app", "serving"]

OpenRuntime = Callable[[Settings], AbstractAsyncContextManager[Runtime]]

_LONGEST_BODY_BYTES = 32 * 1024 * 1024
_HOUR = timedelta(hours=1)
_MEASURE_EVERY = timedelta(seconds=10)
_FORGET_EVERY = timedelta(minutes=1)


def runtime_of(settings: Settings) -> AbstractAsyncContextManager[Runtime]:
    if settings.broker and settings.runtime is RuntimeName.DOCKER:
        return docker_runtime(settings.broker)
    return process_runtime(state=settings.state_folder / "process")


async def begin_tenure(settings: Settings, database: Database) -> Tenure:
    """Begin a new epoch of this runner; the caller holds the spool's lock."""
    asked_at = boot_time()
    runner = Enlistment(
        name=settings.name,
        runtime=settings.runtime,
        capacity=settings.capacity,
        labels=settings.labels,
    )
    epoch = await enlist(database, runner)
    return Tenure(runner=settings.name, epoch=epoch, asked_at=asked_at)


@asynccontextmanager
async def serving(
    settings: Settings, *, open_runtime: OpenRuntime = runtime_of
) -> AsyncIterator[None]:
    """Assemble the runner and hold it open; leaving undoes it in reverse.

    The spool's lock comes first: it makes sure that nobody else is this runner.
    """
    identity = Identity.from_file(settings.identity_file)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(telling_of_spans(Service.AGENT_RUNNER))
        spool = stack.enter_context(
            Spool.open(settings.state_folder / "spool", interrupted=interrupted)
        )
        await migrate(settings, "agent_runner.migrations")
        database = await stack.enter_async_context(connect_database(settings))
        tenure = await begin_tenure(settings, database)
        bus = await stack.enter_async_context(
            connect_bus(
                settings.nats_url, service=Service.AGENT_RUNNER, identity=identity
            )
        )
        runtime = await stack.enter_async_context(open_runtime(settings))
        deadlines = await stack.enter_async_context(watching_deadlines())
        client = await stack.enter_async_context(
            connecting(
                deadlines=deadlines, allow_private=settings.allow_private_base_urls
            )
        )
        hosted = HostedAgents(tenure)
        desk = MessageDesk(
            database=database,
            bus=bus,
            tenure=tenure,
            most_deliveries=settings.message_deliveries,
        )
        retention = Retention(
            database=database, kept=timedelta(days=settings.messages_kept_days)
        )
        large_bodies = stack.enter_context(reading_large_bodies())
        limits = await stack.enter_async_context(
            limiting(database=database, bus=bus, tenure=tenure)
        )
        tool_http = await stack.enter_async_context(
            guarded_http(allow_private=settings.allow_private_tool_hosts)
        )
        mcp_servers = LeasedServers(
            bus=bus,
            identity=identity,
            credentials=settings.credentials_identity,
            runner=settings.name,
            epoch=tenure.epoch,
        )
        tools = ToolDesk(
            database=database,
            http=tool_http,
            mcp=McpTools(database=database, http=tool_http, servers=mcp_servers),
            limits=limits.of_tools,
            tenure=tenure,
            allow_private=settings.allow_private_tool_hosts,
        )
        forwarding = Forwarding(
            client=client,
            book=CallBook(spool, runner=settings.name),
            large_bodies=large_bodies,
            limits=limits.of_calls,
        )
        calls = ProxyApplication(hosted, forwarding, large_bodies)
        doors = await stack.enter_async_context(
            open_doors(
                calls,
                create_app(hosted, desk, tools),
                deadlines=deadlines,
                limits=limits_of(settings),
                address=settings.proxy_host,
                port=settings.proxy_port,
                in_callbacks=calls.directly,
            )
        )
        placement = Placement(database=database, bus=bus)
        leases = Leases(
            bus=bus,
            identity=identity,
            credentials=settings.credentials_identity,
            runner=settings.name,
            epoch=tenure.epoch,
        )
        repository = HostingRepository(
            database, runner=tenure.runner, epoch=tenure.epoch
        )
        life = AgentLife(
            database=database,
            repository=repository,
            tenure=tenure,
            placement=placement,
            bus=bus,
            leases=leases,
            runtime=runtime,
            doors=doors,
            hosted=hosted,
            desk=desk,
            image=settings.agent_image,
            allow_environment_delivery=settings.allow_environment_delivery,
        )
        await stack.enter_async_context(
            open_to_external(
                settings,
                database=database,
                bus=bus,
                leases=leases,
                forwarding=forwarding,
                large_bodies=large_bodies,
                deadlines=deadlines,
                attempts=hosted.attempts,
            )
        )
        probes = Probes(
            bus=bus,
            database=database,
            leases=leases,
            client=client,
        )
        hosting = Hosting(
            repository=repository,
            tenure=tenure,
            placement=placement,
            life=life,
            runtime=runtime,
            hosted=hosted,
            most_launches=settings.most_launches,
        )
        tenures = TenureRepository(database, tenure)
        takeover = Takeover(tenures=tenures, tenure=tenure, placement=placement)
        renewal = LeaseRenewal(
            hosted=hosted, leases=leases, readiness_changed=hosting.look
        )
        await stack.enter_async_context(
            bus.hearing(contract.WAKE, hosting.wake, key=settings.name)
        )
        for changed in (renewal.provider_changed, hosting.provider_changed):
            await stack.enter_async_context(bus.hearing(PROVIDER_CHANGED, changed))
        await stack.enter_async_context(
            bus.hearing(MCP_SERVER_CHANGED, mcp_servers.changed)
        )
        measured = Measured(bus=bus, runner=settings.name, hosted=hosted, doors=doors)
        await stack.enter_async_context(
            background(
                bus.until_closed(),
                Heartbeat(tenures=tenures, tenure=tenure).run(),
                takeover.run(),
                spool.syncing(),
                ship_spool(spool, bus),
                ship_outbox(OutboxRepository(database), bus),
                renewal.run(),
                retention.run(),
                hosting.run(),
                AttemptLog(hosted.attempts, runtime).run(),
                every(_MEASURE_EVERY, measured.tell, name="measured"),
                every(_FORGET_EVERY, mcp_servers.forget_ended, name="mcp_servers"),
            )
        )
        await stack.enter_async_context(
            bus.serving(
                Service.AGENT_RUNNER,
                *answers(settings, database, bus, runtime, placement),
                *probe_answers(probes),
                *mcp_answers(
                    McpServers(
                        database=database,
                        bus=bus,
                        http=tool_http,
                        servers=mcp_servers,
                    )
                ),
            )
        )
        yield


@dataclass(frozen=True, slots=True)
class LimitsInForce:
    of_calls: LimitedCalls
    of_tools: PlatformLimits


@asynccontextmanager
async def limiting(
    *, database: Database, bus: NatsBus, tenure: Tenure
) -> AsyncIterator[LimitsInForce]:
    """Share limits and budgets with the other runners while the block runs."""
    record = ShareRepository(database, runner=tenure.runner, epoch=tenure.epoch)
    await record.inherit()
    budgets = ActiveBudgets(partial(all_budgets, database))
    await budgets.look()
    reaching = Reaching(
        bus=bus, budgets=budgets, note_told=partial(note_told, database)
    )
    leasing = Leasing(record, observe=reaching.observe)
    async with (
        bus.hearing(limits_contract.BUDGETS_CHANGED, budgets.changed),
        background(
            leasing.run(),
            budgets.run(),
            reaching.run(),
            every(_HOUR, record.forget, name="limits.forgotten"),
        ),
    ):
        yield LimitsInForce(
            of_calls=LimitedCalls(leasing, budgets=budgets, prices=Prices(bus)),
            of_tools=PlatformLimits(leasing, partial(limits_of_type, database)),
        )


def limits_of(settings: Settings) -> Limits:
    return Limits(
        most_connections=settings.most_connections,
        most_exchanges=settings.most_calls,
        buffered_bytes=settings.buffered_megabytes * 1024 * 1024,
    )


def create_app(
    hosted: HostedAgents, desk: MessageDesk, tools: ToolDesk
) -> web.Application:
    """Make the application that answers the agent protocol."""
    app = web.Application(client_max_size=_LONGEST_BODY_BYTES)
    app[agent_routes.HOSTED] = hosted
    app[agent_routes.DESK] = desk
    app[agent_routes.TOOLS] = tools
    app.middlewares.extend([answered_once, tell_errors])
    app.add_routes(agent_routes.routes)
    return app


@asynccontextmanager
async def open_to_external(
    settings: Settings,
    *,
    database: Database,
    bus: NatsBus,
    leases: Leases,
    forwarding: Forwarding,
    large_bodies: LargeBodies,
    deadlines: Deadlines,
    attempts: Attempts,
) -> AsyncIterator[None]:
    """Listen for external agents while the block runs, if a port is set for them."""
    if settings.external_port is None:
        yield
        return
    shared = SharedLeases(leases)
    callers = ExternalCallers(
        read_changes=partial(changes_since, database),
        reaches_bus=bus.is_reachable,
        leases=shared,
        attempts=attempts,
    )
    forget = partial(forget_the_gone, database, older_than=_HOUR)
    async with (
        bus.hearing(contract.EXTERNAL_AGENT_CHANGED, callers.changed),
        bus.hearing(PROVIDER_CHANGED, shared.provider_changed),
        background(
            callers.run(),
            shared.run(),
            every(_HOUR, forget, name="external_agents_forgotten"),
        ),
        serving_http(
            ProxyApplication(callers, forwarding, large_bodies),
            deadlines=deadlines,
            limits=limits_of(settings),
            port=settings.external_port,
            tls=tls_context(settings),
        ) as listener,
    ):
        await listener.open(str(settings.external_host), for_good=True)
        yield


def answers(
    settings: Settings,
    database: Database,
    bus: NatsBus,
    runtime: Runtime,
    placement: Placement,
) -> Iterable[Answer]:
    """Every subject this service answers, and what answers it."""
    claims = Claims(database=database, bus=bus)
    address = settings.external_address
    external = ExternalAgents(
        database=database,
        bus=bus,
        claims=claims,
        base_urls=base_urls(address) if address else None,
    )
    types = AgentTypes(
        database=database,
        bus=bus,
        external=external,
        runtime=runtime,
        allow_environment_delivery=settings.allow_environment_delivery,
        allow_private_tool_hosts=settings.allow_private_tool_hosts,
    )
    agents = Agents(
        database=database,
        bus=bus,
        placement=placement,
        claims=claims,
        external=external,
    )
    messages = Messages(database=database, bus=bus)
    control = MessageControl(database=database, bus=bus)
    threads = ThreadReading(database=database)
    runners = Runners(database=database)
    logs = LogReader(database=database, bus=bus, runtime=runtime, runner=settings.name)
    budgets = Budgets(database=database, bus=bus)
    return (
        answer(contract.PING, answer_ping),
        answer(contract.CREATE_AGENT_TYPE, types.create),
        answer(contract.UPDATE_AGENT_TYPE, types.update),
        answer(contract.DELETE_AGENT_TYPE, types.delete),
        answer(contract.GET_AGENT_TYPE, types.get),
        answer(contract.LIST_AGENT_TYPES, types.list),
        answer(contract.MODELS_IN_USE, types.models_in_use),
        answer(contract.LIST_AUDIT, Audit(database).list),
        answer(contract.CREATE_AGENT, agents.create),
        answer(contract.UPDATE_AGENT, agents.update),
        answer(contract.DELETE_AGENT, agents.delete),
        answer(contract.GET_AGENT, agents.get),
        answer(contract.LIST_AGENTS, agents.list),
        answer(LIST_CONCERNED_AGENTS, agents.list_concerned),
        answer(contract.START_AGENT, agents.start),
        answer(contract.STOP_AGENT, agents.stop),
        answer(contract.RESTART_AGENT, agents.restart),
        answer(contract.REPLACE_TOKEN, external.replace_token),
        answer(contract.AGENT_LOGS, logs.read),
        answer(limits_contract.CREATE_BUDGET, budgets.create),
        answer(limits_contract.UPDATE_BUDGET, budgets.update),
        answer(limits_contract.DELETE_BUDGET, budgets.delete),
        answer(limits_contract.GET_BUDGET, budgets.get),
        answer(limits_contract.LIST_BUDGETS, budgets.list),
        answer(limits_contract.LIST_LIMITS, LimitStandings(database).list),
        answer(contract.HOSTED_LOGS.at(settings.name), logs.read_hosted),
        answer(LIST_RUNNERS, runners.list),
        answer(GET_RUNNER, runners.get),
        answer(DRAIN_RUNNER, runners.drain),
        answer(UNDRAIN_RUNNER, runners.undrain),
        answer(contract.SUBMIT_MESSAGE, messages.submit),
        answer(contract.GET_MESSAGE, messages.get),
        answer(conversations.ASK_AGENT_TYPE, messages.ask),
        answer(conversations.CANCEL_MESSAGE, control.cancel),
        answer(conversations.RETRY_MESSAGE, control.retry),
        answer(conversations.LIST_DEAD_LETTERS, control.dead_letters),
        answer(conversations.REPLAY_DEAD_LETTER, control.replay),
        answer(conversations.LIST_THREADS, threads.list),
        answer(conversations.GET_THREAD, threads.history),
    )


def probe_answers(probes: Probes) -> Iterable[Answer]:
    """Every question that is passed on to a provider."""
    return (
        answer(probe_contract.PROBE_PROVIDER, probes.probe_provider),
        answer(probe_contract.PROBE_SUBMISSION, probes.probe_submission),
        answer(probe_contract.LIST_LIVE_MODELS, probes.list_models),
    )


def mcp_answers(servers: McpServers) -> Iterable[Answer]:
    """Every question that concerns the tools of MCP servers."""
    return (
        answer(mcp_contract.LIST_MCP_TOOLS, servers.tools),
        answer(mcp_contract.APPROVE_MCP_TOOLS, servers.approve),
        answer(mcp_contract.WITHDRAW_MCP_TOOLS, servers.withdraw),
        answer(mcp_contract.DELETE_MCP_SERVER, servers.delete),
    )
