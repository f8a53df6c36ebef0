from typing import NoReturn, cast
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from agent_runner.hosted_agents import MessageInHand
from agent_runner.limits.platform import PlatformLimits, ToolUser
from agent_runner.tenure import Tenure, boot_time
from agent_runner.tools.mcp.leased_servers import LeasedServers
from agent_runner.tools.mcp.mcp_tools import McpTools
from agent_runner.tools.tool_desk import ToolDesk
from shared.contracts.tools import CurrentTimeTool
from shared.database import Database
from shared.errors import DatabaseUnavailableError
from shared.guarded_http import guarded_http
from shared.ids import new_id

from .proxy.proxying import agent_at, lease_of

pytestmark = pytest.mark.asyncio


class LostDatabase:
    """One that was there when the call began, and is no more."""

    def organization(self, _: UUID) -> NoReturn:
        raise DatabaseUnavailableError


class NoLimits:
    async def take(self, user: ToolUser, *, is_http_request: bool = False) -> None: ...


async def test_a_tool_that_was_run_is_answered_although_nobody_can_record_it() -> None:
    agent = agent_at("127.0.0.1", lease=lease_of("http://127.0.0.1:1"), models=["m"])
    tools = {"tools": [CurrentTimeTool(name="current_time")]}
    agent.agent_type = agent.agent_type.model_copy(update=tools)
    in_hand = MessageInHand(new_id(), new_id())

    async with guarded_http(allow_private=False) as http:
        desk = ToolDesk(
            database=cast(Database, LostDatabase()),
            http=http,
            mcp=McpTools(
                database=cast(Database, LostDatabase()),
                http=http,
                servers=cast(LeasedServers, None),
            ),
            limits=cast(PlatformLimits, NoLimits()),
            tenure=Tenure(runner="runner-1", epoch=1, asked_at=boot_time()),
            allow_private=False,
        )
        with capture_logs() as logs:
            answer = await desk.use(agent, in_hand, "current_time", {})

    assert not answer.is_error
    (left,) = [each for each in logs if each["event"] == "tool_call.unrecorded"]
    assert left["message_id"] == str(in_hand.message_id)
    assert left["status"] == "completed"
