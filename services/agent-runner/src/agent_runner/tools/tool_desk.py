"""Where an agent has its tools used: judged, limited, run and recorded."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import structlog
from pydantic import JsonValue

from agent_runner.hosted_agents import HostedAgent, MessageInHand
from agent_runner.limits.platform import PlatformLimits, ToolUser
from agent_runner.masking import SecretMask
from agent_runner.repositories.outbox import leave, milliseconds
from agent_runner.tenure import Tenure
from shared.clock import Clock, utc_now
from shared.contracts.metrics import ToolCallRecord, ToolCallStatus
from shared.contracts.tools import CurrentTimeTool, HttpRequestTool, McpServerTools
from shared.database import Database
from shared.errors import (
    AppError,
    DatabaseUnavailableError,
    ToolDestinationForbiddenError,
    ToolNotFoundError,
)
from shared.guarded_http import AnswerTimedOutError, GuardedHttp, OutgoingError
from shared.ids import new_id

from .current_time import current_time
from .definitions import Definition, definition_of
from .destinations import Destinations, needs_hosts
from .http_request import HttpTool
from .mcp.failures import McpToolFailedError
from .mcp.mcp_tools import McpTools
from .refusals import refused

__all__ = ["ToolAnswer", "ToolDesk"]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What a tool gave, or that it failed, for the model to read."""

    content: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class _Use:
    """A use of a tool that nothing but the limits can refuse any more."""

    run: Callable[[], Awaitable[str]]
    is_http_request: bool = False


class ToolDesk:
    """Runs the tools of the agents that this runner hosts, as long as *tenure* is held.

    With *allow_private* tools reach private networks, at hosts that their types name.
    """

    def __init__(
        self,
        *,
        database: Database,
        http: GuardedHttp,
        mcp: McpTools,
        limits: PlatformLimits,
        tenure: Tenure,
        allow_private: bool,
        now: Clock = utc_now,
    ) -> None:
        self._database = database
        self._http = http
        self._mcp = mcp
        self._limits = limits
        self._tenure = tenure
        self._allow_private = allow_private
        self._now = now

    async def use(
        self,
        agent: HostedAgent,
        in_hand: MessageInHand,
        name: str,
        arguments: dict[str, JsonValue],
    ) -> ToolAnswer:
        """Use a tool once; a tool that fails has an answer, too, which says so.

        What is refused raises an `AppError` with its explanation, and was not run;
        what is refused before a tool begins takes nothing of the limits.
        """
        self._tenure.require()
        try:
            use = await self._judged(agent, name, arguments)
            await self._limits.take(_user(agent), is_http_request=use.is_http_request)
            async with self._recorded(agent, in_hand, name):
                content = await use.run()
        except OutgoingError as error:
            told = SecretMask(agent.secrets).hide(str(error))
            return ToolAnswer(told, is_error=True)
        except AppError as error:
            log.info("tool.refused", agent_id=str(agent.id), code=error.code)
            raise
        return ToolAnswer(SecretMask(agent.secrets).hide(content))

    async def definitions(self, agent: HostedAgent) -> list[Definition]:
        """Tell what the model may call; raises `DatabaseUnavailableError`."""
        of_ours = [
            definition_of(each)
            for each in agent.agent_type.tools
            if not isinstance(each, McpServerTools)
        ]
        of_servers = await self._mcp.definitions(agent.org_id, agent.agent_type)
        return [*of_ours, *of_servers]

    @asynccontextmanager
    async def _recorded(
        self, agent: HostedAgent, in_hand: MessageInHand, name: str
    ) -> AsyncIterator[None]:
        """Leave a record of the tool call in the block, however it ends."""
        started_at = self._now()
        status, code = ToolCallStatus.CANCELLED, None
        try:
            yield
            status = ToolCallStatus.COMPLETED
        except OutgoingError as error:
            status, code = ToolCallStatus.FAILED, _code_of(error)
            raise
        except AppError as error:
            status, code = ToolCallStatus.REFUSED, error.code
            raise
        finally:
            await self._leave(
                ToolCallRecord(
                    tool_call_id=new_id(),
                    org_id=agent.org_id,
                    agent_id=agent.id,
                    agent_type_id=agent.agent_type.id,
                    message_id=in_hand.message_id,
                    tool=name,
                    status=status,
                    code=code,
                    started_at=started_at,
                    duration_ms=milliseconds(started_at, self._now()) or 0,
                )
            )

    async def _leave(self, record: ToolCallRecord) -> None:
        """Leave *record* for metrics; without a database the log is left with it.

        A refusal now would say that nothing was run, and have it run once more.
        """
        try:
            async with self._database.organization(record.org_id) as transaction:
                await leave(transaction, record)
        except DatabaseUnavailableError:
            log.warning("tool_call.unrecorded", **record.model_dump(mode="json"))

    async def _judged(
        self, agent: HostedAgent, name: str, arguments: dict[str, JsonValue]
    ) -> _Use:
        match _tool(agent, name):
            case None:
                return await self._judged_call(agent, name, arguments)
            case CurrentTimeTool():
                told = current_time(arguments, self._now())
                return _Use(partial(_known, told))
            case HttpRequestTool() as configured:
                request = self._http_tool(agent, configured).request(arguments)
                return _Use(partial(request.send, self._http), is_http_request=True)

    async def _judged_call(
        self, agent: HostedAgent, name: str, arguments: dict[str, JsonValue]
    ) -> _Use:
        call = await self._mcp.judged(agent, name, arguments)
        if call is None:
            raise refused(
                ToolNotFoundError,
                f'The type of this agent, "{agent.agent_type.name}", has no such tool.',
            )
        return _Use(call.run)

    def _http_tool(self, agent: HostedAgent, configured: HttpRequestTool) -> HttpTool:
        delivery = agent.agent_type.credential_delivery
        if configured.hosts is None and needs_hosts(
            delivery, allow_private=self._allow_private
        ):
            raise refused(
                ToolDestinationForbiddenError,
                "This tool may ask no host: it names none.",
            )
        leases = [each.credential for each in agent.leases]
        return HttpTool(
            configured,
            Destinations.read(configured.hosts, [each.base_url for each in leases]),
            agent.leased_secrets,
        )


def _tool(agent: HostedAgent, name: str) -> CurrentTimeTool | HttpRequestTool | None:
    """Find a tool of our own; what is of MCP servers has other names."""
    for tool in agent.agent_type.tools:
        if tool.name == name and not isinstance(tool, McpServerTools):
            return tool
    return None


def _user(agent: HostedAgent) -> ToolUser:
    return ToolUser(
        org_id=agent.org_id,
        agent_id=agent.id,
        incarnation=agent.host.incarnation,
        agent_name=agent.name,
        agent_type_id=agent.agent_type.id,
    )


async def _known(told: str) -> str:
    return told


def _code_of(error: OutgoingError) -> str:
    match error:
        case AnswerTimedOutError():
            return "TOOL_TIMED_OUT"
        case McpToolFailedError():
            return "TOOL_FAILED"
        case _:
            return "TOOL_NO_ANSWER"
