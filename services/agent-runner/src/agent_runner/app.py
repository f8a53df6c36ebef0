"""Where the parts of the agent-runner meet. Read this first.

Messages come over the bus into the database, and from the desk to agents by the agent
protocol; their model calls come through the doors, are forwarded to providers, and are
in the spool before and after. What each part is made of stands in `assembly`.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from aiohttp import web

from shared.collecting import telling_of_spans
from shared.contracts.base import Service
from shared.contracts.mcp_servers import MCP_SERVER_CHANGED
from shared.http import tell_errors
from shared.lifecycle import background, every

from .agent_protocol import routes as agent_routes
from .agent_protocol.doors import answered_once, open_doors
from .assembly.answers import answers
from .assembly.external import open_to_external
from .assembly.ground import Ground, OpenRuntime, runtime_of, standing
from .assembly.hosting import hosting_agents
from .assembly.limiting import LimitsInForce, limiting
from .hosted_agents import HostedAgents
from .hosting.rhythm import USUAL, Rhythm
from .leases import Leases
from .messages.message_desk import MessageDesk
from .messages.retention import Retention
from .placement import Placement
from .proxy.application import ProxyApplication
from .proxy.calls import CallBook
from .proxy.forwarding import Forwarding
from .repositories.outbox import OutboxRepository
from .settings import Settings
from .shipping import ship_outbox, ship_spool
from .tools.mcp.leased_servers import LeasedServers
from .tools.mcp.mcp_tools import McpTools
from .tools.tool_desk import ToolDesk

__all__ = ["create_app", "serving"]

_LONGEST_BODY_BYTES = 32 * 1024 * 1024
_FORGET_EVERY = timedelta(minutes=1)


@asynccontextmanager
async def serving(
    settings: Settings,
    *,
    open_runtime: OpenRuntime = runtime_of,
    rhythm: Rhythm = USUAL,
) -> AsyncIterator[None]:
    """Assemble the runner and hold it open; leaving undoes it in reverse."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        await enter(telling_of_spans(Service.AGENT_RUNNER))
        ground = await enter(standing(settings, open_runtime))
        limits = await enter(limiting(ground))
        hosted, desk = HostedAgents(ground.tenure), message_desk(ground)
        leases, mcp_servers = leases_of(ground), mcp_servers_of(ground)
        forwarding = Forwarding(
            client=ground.client,
            book=CallBook(ground.spool, runner=settings.name),
            large_bodies=ground.large_bodies,
            limits=limits.of_calls,
        )
        calls = ProxyApplication(hosted, forwarding, ground.large_bodies)
        tools = tool_desk(ground, limits, mcp_servers)
        doors = await enter(
            open_doors(
                calls,
                create_app(hosted, desk, tools),
                deadlines=ground.deadlines,
                limits=ground.http_limits,
                address=settings.proxy_host,
                port=settings.proxy_port,
                in_callbacks=calls.directly,
                turn=ground.client.turn,
            )
        )
        await enter(
            open_to_external(
                ground, leases=leases, forwarding=forwarding, attempts=hosted.attempts
            )
        )
        await enter(telling_what_happened(ground))
        await enter(ground.bus.hearing(MCP_SERVER_CHANGED, mcp_servers.changed))
        await enter(
            background(
                every(_FORGET_EVERY, mcp_servers.forget_ended, name="mcp_servers")
            )
        )
        placement = Placement(database=ground.database, bus=ground.bus)
        await enter(
            hosting_agents(
                ground,
                hosted=hosted,
                desk=desk,
                doors=doors,
                leases=leases,
                placement=placement,
                rhythm=rhythm,
            )
        )
        answered = answers(
            ground, placement=placement, leases=leases, mcp_servers=mcp_servers
        )
        await enter(ground.bus.serving(Service.AGENT_RUNNER, *answered))
        yield


@asynccontextmanager
async def telling_what_happened(ground: Ground) -> AsyncIterator[None]:
    """Ship what was counted and noted while the block runs, and forget what is old.

    It ends with the connection to the bus, and takes the runner with it.
    """
    kept = timedelta(days=ground.settings.messages_kept_days)
    async with background(
        ground.bus.until_closed(),
        ground.spool.syncing(),
        ship_spool(ground.spool, ground.bus, counted=ground.backlog.counted),
        ship_outbox(OutboxRepository(ground.database), ground.bus),
        Retention(database=ground.database, kept=kept).run(),
    ):
        yield


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


def message_desk(ground: Ground) -> MessageDesk:
    return MessageDesk(
        database=ground.database,
        bus=ground.bus,
        tenure=ground.tenure,
        most_deliveries=ground.settings.message_deliveries,
    )


def tool_desk(
    ground: Ground, limits: LimitsInForce, servers: LeasedServers
) -> ToolDesk:
    database, http = ground.database, ground.tool_http
    return ToolDesk(
        database=database,
        http=http,
        mcp=McpTools(database=database, http=http, servers=servers),
        limits=limits.of_tools,
        tenure=ground.tenure,
        allow_private=ground.settings.allow_private_tool_hosts,
    )


def leases_of(ground: Ground) -> Leases:
    return Leases(
        bus=ground.bus,
        identity=ground.identity,
        credentials=ground.settings.credentials_identity,
        runner=ground.settings.name,
        epoch=ground.tenure.epoch,
    )


def mcp_servers_of(ground: Ground) -> LeasedServers:
    return LeasedServers(
        bus=ground.bus,
        identity=ground.identity,
        credentials=ground.settings.credentials_identity,
        runner=ground.settings.name,
        epoch=ground.tenure.epoch,
    )
