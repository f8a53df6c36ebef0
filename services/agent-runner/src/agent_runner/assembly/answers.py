"""Every question this service answers on the bus, and what answers it."""

from collections.abc import Iterable

from agent_runner.agents.agent_logs import LogReader
from agent_runner.agents.agent_types import AgentTypes
from agent_runner.agents.agents import Agents
from agent_runner.agents.budgets import Budgets
from agent_runner.agents.claims import Claims
from agent_runner.agents.external_agents import ExternalAgents
from agent_runner.agents.limit_standings import LimitStandings
from agent_runner.agents.mcp_servers import McpServers
from agent_runner.agents.runners import Runners
from agent_runner.external.listener import base_urls
from agent_runner.leases import Leases
from agent_runner.messages.message_control import MessageControl
from agent_runner.messages.messages import Messages
from agent_runner.messages.thread_reading import ThreadReading
from agent_runner.placement import Placement
from agent_runner.probes.probes import Probes
from agent_runner.repositories import audit
from agent_runner.tools.mcp.leased_servers import LeasedServers
from shared.audit_pages import AuditPages
from shared.bus import Answer, answer, answer_ping
from shared.contracts import (
    agent_runner,
    agent_types,
    conversations,
    limits,
    mcp_tools,
    probes,
    restarts,
    runners,
)

from .ground import Ground

__all__ = ["answers"]


def answers(
    ground: Ground, *, placement: Placement, leases: Leases, mcp_servers: LeasedServers
) -> Iterable[Answer]:
    yield answer(agent_runner.PING, answer_ping)
    yield answer(
        agent_runner.LIST_AUDIT, AuditPages(ground.database, audit.entries).list
    )
    yield from _of_agents(ground, placement)
    yield from _of_messages(ground)
    yield from _of_limits(ground)
    yield from _of_runners(ground)
    yield from _of_probes(ground, leases)
    yield from _of_mcp_servers(ground, mcp_servers)


def _of_agents(ground: Ground, placement: Placement) -> Iterable[Answer]:
    settings, database, bus = ground.settings, ground.database, ground.bus
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
        runtime=ground.runtime,
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
    logs = LogReader(
        database=database, bus=bus, runtime=ground.runtime, runner=settings.name
    )
    return (
        answer(agent_types.CREATE_AGENT_TYPE, types.create),
        answer(agent_types.UPDATE_AGENT_TYPE, types.update),
        answer(agent_types.DELETE_AGENT_TYPE, types.delete),
        answer(agent_types.GET_AGENT_TYPE, types.get),
        answer(agent_types.LIST_AGENT_TYPES, types.list),
        answer(agent_types.MODELS_IN_USE, types.models_in_use),
        answer(agent_runner.CREATE_AGENT, agents.create),
        answer(agent_runner.UPDATE_AGENT, agents.update),
        answer(agent_runner.DELETE_AGENT, agents.delete),
        answer(agent_runner.GET_AGENT, agents.get),
        answer(agent_runner.LIST_AGENTS, agents.list),
        answer(restarts.LIST_CONCERNED_AGENTS, agents.list_concerned),
        answer(agent_runner.START_AGENT, agents.start),
        answer(agent_runner.STOP_AGENT, agents.stop),
        answer(agent_runner.RESTART_AGENT, agents.restart),
        answer(agent_runner.REPLACE_TOKEN, external.replace_token),
        answer(agent_runner.AGENT_LOGS, logs.read),
        answer(agent_runner.HOSTED_LOGS.at(settings.name), logs.read_hosted),
    )


def _of_messages(ground: Ground) -> Iterable[Answer]:
    messages = Messages(database=ground.database, bus=ground.bus)
    control = MessageControl(database=ground.database, bus=ground.bus)
    threads = ThreadReading(database=ground.database)
    return (
        answer(conversations.SUBMIT_MESSAGE, messages.submit),
        answer(conversations.GET_MESSAGE, messages.get),
        answer(conversations.ASK_AGENT_TYPE, messages.ask),
        answer(conversations.CANCEL_MESSAGE, control.cancel),
        answer(conversations.RETRY_MESSAGE, control.retry),
        answer(conversations.LIST_DEAD_LETTERS, control.dead_letters),
        answer(conversations.REPLAY_DEAD_LETTER, control.replay),
        answer(conversations.LIST_THREADS, threads.list),
        answer(conversations.GET_THREAD, threads.history),
    )


def _of_limits(ground: Ground) -> Iterable[Answer]:
    budgets = Budgets(database=ground.database, bus=ground.bus)
    return (
        answer(limits.CREATE_BUDGET, budgets.create),
        answer(limits.UPDATE_BUDGET, budgets.update),
        answer(limits.DELETE_BUDGET, budgets.delete),
        answer(limits.GET_BUDGET, budgets.get),
        answer(limits.LIST_BUDGETS, budgets.list),
        answer(limits.LIST_LIMITS, LimitStandings(ground.database).list),
    )


def _of_runners(ground: Ground) -> Iterable[Answer]:
    known = Runners(database=ground.database)
    return (
        answer(runners.LIST_RUNNERS, known.list),
        answer(runners.GET_RUNNER, known.get),
        answer(runners.DRAIN_RUNNER, known.drain),
        answer(runners.UNDRAIN_RUNNER, known.undrain),
    )


def _of_probes(ground: Ground, leases: Leases) -> Iterable[Answer]:
    asked = Probes(
        bus=ground.bus, database=ground.database, leases=leases, client=ground.client
    )
    return (
        answer(probes.PROBE_PROVIDER, asked.probe_provider),
        answer(probes.PROBE_SUBMISSION, asked.probe_submission),
        answer(probes.LIST_LIVE_MODELS, asked.list_models),
    )


def _of_mcp_servers(ground: Ground, leased: LeasedServers) -> Iterable[Answer]:
    servers = McpServers(
        database=ground.database,
        bus=ground.bus,
        http=ground.tool_http,
        servers=leased,
    )
    return (
        answer(mcp_tools.LIST_MCP_TOOLS, servers.tools),
        answer(mcp_tools.APPROVE_MCP_TOOLS, servers.approve),
        answer(mcp_tools.WITHDRAW_MCP_TOOLS, servers.withdraw),
        answer(mcp_tools.DELETE_MCP_SERVER, servers.delete),
    )
