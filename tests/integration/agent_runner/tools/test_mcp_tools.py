"""Tools of MCP servers: told to the agent, and run by the runner."""

import pytest
from tests.integration.agent_runner.neighbours import FakeRuntime
from tests.integration.agent_runner.runner_house import House, open_house
from tests.unit.agent_runner.tools.mcp.hostile_server import (
    HostileServer,
    answering,
    stalling,
)
from tests.unit.agent_runner.tools.mcp.official_server import serving_officially

from ag2trust.testing import BusAs, Stack
from shared.bus import answer
from shared.contracts.agent_types import AgentLimits
from shared.contracts.base import Service
from shared.contracts.metrics import INGEST
from shared.errors import InvalidError
from shared.ids import new_id

from .approver import TOKEN, Approver
from .working import HearingMetrics, Working, working

pytestmark = pytest.mark.integration

LOOK = "tickets__look"


async def test_an_agent_is_told_of_approved_tools_and_has_them_run(
    house: House,
) -> None:
    async with serving_officially() as official:
        approver = Approver(house, official.url)
        await approver.approve_all()
        agent = await working(house, ["current_time", approver.tool])

        _, told = await agent.puppet.get("configuration")
        status, given = await agent.use("tickets__add", one=2, other=40)
        failed = await agent.use("tickets__fail")

    names = [each["name"] for each in told["tools"]]
    assert names == ["current_time", "tickets__add", "tickets__draw", "tickets__fail"]
    assert told["tools"][1]["description"] == "Add two numbers."
    assert told["tools"][1]["parameters"]["required"] == ["one", "other"]
    assert (status, given) == (200, {"content": "42", "is_error": False})
    assert failed[0] == 200
    assert failed[1]["is_error"] is True


async def test_a_token_is_leased_for_agents_that_name_the_server_and_stays_here(
    house: House, server: HostileServer, agent: Working
) -> None:
    await agent.use(LOOK, what="it")
    await agent.use(LOOK, what="it")

    launch = agent.puppet.launch
    leases = house.credentials.mcp_leases
    sent = {headers["Authorization"] for _, headers in server.heard}
    assert sent == {f"Bearer {TOKEN}"}
    assert TOKEN not in str(launch.environment)
    assert TOKEN not in str(launch.secrets)
    assert [each.agent_id for each in leases if each.agent_id] == [launch.agent_id]
    assert server.called == 2


async def test_a_token_that_is_not_taken_is_leased_anew(
    house: House, server: HostileServer, agent: Working
) -> None:
    server.misdeeds["initialize"] = answering(401)
    _, refused = await agent.use(LOOK, what="it")
    del server.misdeeds["initialize"]
    await agent.use(LOOK, what="it")

    assert refused["is_error"] is True
    assert "token" in refused["content"]
    assert len([each for each in house.credentials.mcp_leases if each.agent_id]) == 2


async def test_secrets_go_to_no_server_and_come_back_from_none(
    house: House, server: HostileServer, agent: Working
) -> None:
    key = house.credentials.secrets[house.provider_id]
    server.gives = {"content": [{"type": "text", "text": f"{TOKEN} and {key}"}]}

    refused = [await agent.use(LOOK, what=f"send {secret}") for secret in (key, TOKEN)]
    _, given = await agent.use(LOOK, what="it")

    codes = [(status, body["error_code"]) for status, body in refused]
    assert codes == [(403, "TOOL_SECRET_REFUSED")] * 2
    assert given["content"] == "[secret] and [secret]"
    assert server.called == 1


async def test_an_error_of_a_tool_is_masked_too(
    server: HostileServer, agent: Working
) -> None:
    server.gives = {
        "content": [{"type": "text", "text": f"refused: {TOKEN}"}],
        "isError": True,
    }

    _, given = await agent.use(LOOK, what="it")

    assert given == {"content": "refused: [secret]", "is_error": True}


async def test_a_long_answer_is_cut(
    house: House, server: HostileServer, approver: Approver
) -> None:
    await approver.approve_all()
    agent = await working(house, [approver.tool | {"max_response_bytes": 10}])
    server.gives = {"content": [{"type": "text", "text": "é" * 100_000}]}

    _, cut = await agent.use(LOOK, what="it")

    assert cut["content"].startswith("ééééé\n[")


async def test_a_slow_answer_is_left(
    house: House, server: HostileServer, approver: Approver
) -> None:
    await approver.approve_all()
    agent = await working(house, [approver.tool | {"timeout_seconds": 0.5}])
    server.misdeeds["tools/call"] = stalling("text/event-stream")

    _, slow = await agent.use(LOOK, what="it")

    assert slow["is_error"] is True
    assert "no whole answer within 0.5 s" in slow["content"]


async def test_calls_count_as_tool_calls_and_are_recorded_as_such(
    house: House, bus_as: BusAs, server: HostileServer, approver: Approver
) -> None:
    await approver.approve_all()
    limits = AgentLimits(tool_calls_per_minute=3, http_requests_per_minute=0)
    agent = await working(house, [approver.tool], limits=limits)
    metrics = HearingMetrics()

    used = [await agent.use(LOOK, what="it")]
    server.gives["isError"] = True
    used.append(await agent.use(LOOK, what="it"))
    server.tools = []
    used += [await agent.use(LOOK, what="it"), await agent.use(LOOK, what="it")]
    async with (
        bus_as(Service.METRICS) as bus,
        bus.serving(Service.METRICS, answer(INGEST, metrics.ingest)),
    ):
        await metrics.has_heard(3)

    assert [status for status, _ in used] == [200, 200, 409, 429]
    assert metrics.ends == [
        (LOOK, "completed", None),
        (LOOK, "failed", "TOOL_FAILED"),
        (LOOK, "refused", "MCP_TOOL_CHANGED"),
    ]


async def test_a_type_names_no_server_that_is_not_there(house: House) -> None:
    with pytest.raises(InvalidError) as refused:
        await house.make_agent_type(
            "ada", tools=[{"name": "mcp", "server_id": str(new_id())}]
        )

    assert "tools.0.server_id" in str(refused.value.details)


async def test_no_server_in_a_private_network_is_asked_unless_a_setting_says_so(
    stack: Stack, bus_as: BusAs, server: HostileServer
) -> None:
    async with open_house(stack, bus_as, FakeRuntime()) as house:
        approver = Approver(house, server.url)

        shown = await approver.look()

    assert shown.explanation is not None
    assert "private network" in shown.explanation.message
    assert server.heard == []
