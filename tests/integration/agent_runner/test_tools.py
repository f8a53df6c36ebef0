"""Tools of agents: configured, told to the agent, run by the runner, and limited."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from tests.unit.shared.foreign_site import Site, serving

from ag2trust.testing import BusAs, Stack
from shared.contracts.agent_runner import (
    GET_AGENT_TYPE,
    UPDATE_AGENT_TYPE,
    AgentLimits,
    AgentTypePatch,
    AgentTypeQuestion,
    UpdateAgentType,
)
from shared.contracts.tools import CurrentTimeTool, HttpRequestTool
from shared.errors import InvalidError

from .neighbours import FakeRuntime
from .runner_house import (
    ACTOR,
    House,
    Puppet,
    open_house,
    open_neighbourhood,
    running,
)

pytestmark = pytest.mark.integration


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with serving() as site:
        yield site


@pytest.fixture
async def house(stack: Stack, bus_as: BusAs) -> AsyncIterator[House]:
    """Open a runner whose tools may reach this machine."""
    runtime = FakeRuntime()
    async with (
        open_neighbourhood(stack, bus_as, runtime) as house,
        running(stack, runtime, allow_private_tool_hosts=True),
    ):
        yield house


class Working:
    """An agent with a message in hand."""

    def __init__(self, puppet: Puppet, message: Any) -> None:
        self.puppet = puppet
        self.message = message

    async def use(self, name: str, **arguments: object) -> tuple[int, Any]:
        call = {"message_id": self.message["message_id"], "arguments": arguments}
        return await self.puppet.post(f"tools/{name}", call)


async def working(house: House, tools: Sequence[object], **fields: Any) -> Working:
    agent = await house.make_agent(tools=[*tools], **fields)
    puppet = await house.start(agent.id)
    await house.submit(agent.id, "Look it up")
    return Working(puppet, await puppet.next())


def asking(site: Site, **fields: Any) -> dict[str, Any]:
    hosts = [f"127.0.0.1:{site.port}"]
    return {"name": "http_request", "hosts": hosts, **fields}


async def test_an_agent_is_told_of_its_tools_and_has_them_run(
    house: House, site: Site
) -> None:
    agent = await working(house, ["current_time", asking(site)])

    _, told = await agent.puppet.get("configuration")
    time = await agent.use("current_time", time_zone="Asia/Tokyo")
    page = await agent.use("http_request", url=site.url("/page"))

    assert [each["name"] for each in told["tools"]] == ["current_time", "http_request"]
    for each in told["tools"]:
        assert each["description"]
        assert each["parameters"]["type"] == "object"
    assert time[0] == 200
    assert "+09:00 (Asia/Tokyo)" in time[1]["content"]
    assert page[0] == 200
    assert page[1]["is_error"] is False
    assert '"status":200' in page[1]["content"]
    assert '"body":"here"' in page[1]["content"]


async def test_tools_are_kept_with_their_version(house: House) -> None:
    type_id = await house.make_agent_type("ada", tools=["current_time"])
    http = HttpRequestTool(hosts=["api.example.com"], methods=["GET", "POST"])
    asked = {"org_id": house.org_id, "actor": ACTOR, "agent_type_id": type_id}

    made = await house.bus.ask(GET_AGENT_TYPE, AgentTypeQuestion(**asked))
    changed = await house.bus.ask(
        UPDATE_AGENT_TYPE, UpdateAgentType(**asked, patch=AgentTypePatch(tools=[http]))
    )

    assert made.tools == [CurrentTimeTool()]
    assert (changed.version, changed.tools) == (2, [http])


async def test_a_tool_that_cannot_be_is_refused_when_it_is_configured(
    house: House,
) -> None:
    with pytest.raises(InvalidError) as caught:
        await house.make_agent_type(
            "ada", tools=[{"name": "http_request", "hosts": ["169.254.169.254"]}]
        )

    assert "tools.0.hosts.0" in str(caught.value.details)


async def test_a_refused_tool_call_is_explained_and_takes_nothing(
    house: House, site: Site
) -> None:
    agent = await working(house, [asking(site)])
    key = house.credentials.secrets[house.provider_id]

    refused = [
        await agent.use("http_request", url="https://example.com/"),
        await agent.use("http_request", url=site.url(f"/?key={key}")),
        await agent.use("http_request", url=site.url("/"), method="DELETE"),
        await agent.use("current_time"),
    ] * 3
    allowed = [await agent.use("http_request", url=site.url("/")) for _ in range(3)]

    codes = [(status, body["error_code"]) for status, body in refused[:4]]
    assert codes == [
        (403, "TOOL_DESTINATION_FORBIDDEN"),
        (403, "TOOL_SECRET_REFUSED"),
        (422, "TOOL_ARGUMENTS_INVALID"),
        (404, "TOOL_NOT_FOUND"),
    ]
    for _, body in refused:
        assert body["details"]["explanation"]["code"] == body["error_code"]
        assert body["details"]["explanation"]["fix"]
    assert [status for status, _ in allowed] == [200] * 3
    assert len(site.asked) == 3


async def test_limits_hold_and_say_what_is_left(house: House, site: Site) -> None:
    limits = AgentLimits(tool_calls_per_minute=3, http_requests_per_minute=1)
    agent = await working(house, ["current_time", asking(site)], limits=limits)

    used = [
        await agent.use("http_request", url=site.url("/")),
        await agent.use("http_request", url=site.url("/")),
        await agent.use("current_time"),
        await agent.use("current_time"),
        await agent.use("current_time"),
    ]

    assert [status for status, _ in used] == [200, 429, 200, 200, 429]
    of_http, of_tools = used[1][1]["details"], used[4][1]["details"]
    assert (of_http["limit"], of_tools["limit"]) == (
        "http_requests_per_minute",
        "tool_calls_per_minute",
    )
    assert of_tools["explanation"]["code"] == "RATE_LIMITED"
    assert of_tools["left"] == 0
    assert len(site.asked) == 1


async def test_a_tool_that_fails_says_so_to_the_model(house: House, site: Site) -> None:
    agent = await working(house, [asking(site, timeout_seconds=0.05)])

    status, answer = await agent.use("http_request", url=site.url("/never"))

    assert status == 200
    assert answer["is_error"] is True
    assert "no whole answer" in answer["content"]


async def test_a_secret_in_an_answer_is_masked(house: House, site: Site) -> None:
    key = house.credentials.secrets[house.provider_id]
    site.bodies["/"] = f"your key is {key}".encode()
    agent = await working(house, [asking(site)])

    _, answer = await agent.use("http_request", url=site.url("/"))

    assert "your key is [secret]" in answer["content"]


async def test_no_tool_reaches_this_machine_unless_a_setting_says_so(
    stack: Stack, bus_as: BusAs, site: Site
) -> None:
    async with open_house(stack, bus_as, FakeRuntime()) as house:
        agent = await working(
            house,
            [{"name": "http_request"}],
            credential_delivery="sealed",
        )
        by_name = site.url("/", host="localhost")

        refused = [
            await agent.use("http_request", url=site.url("/")),
            await agent.use("http_request", url=by_name),
        ]

    assert [status for status, _ in refused] == [403, 403]
    assert site.asked == []
