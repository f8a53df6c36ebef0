"""Tools of agents: configured, told to the agent, run by the runner, and limited."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.integration.agent_runner.neighbours import FakeRuntime
from tests.integration.agent_runner.runner_house import ACTOR, House, open_house
from tests.unit.shared.foreign_site import Site, serving

from ag2trust.testing import BusAs, Stack
from shared.bus import answer
from shared.contracts.agent_types import (
    GET_AGENT_TYPE,
    UPDATE_AGENT_TYPE,
    AgentLimits,
    AgentTypePatch,
    AgentTypeQuestion,
    UpdateAgentType,
)
from shared.contracts.base import Service
from shared.contracts.metrics import INGEST
from shared.contracts.tools import CurrentTimeTool, HttpRequestTool
from shared.errors import InvalidError

from .working import HearingMetrics, working

pytestmark = pytest.mark.integration


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with serving() as site:
        yield site


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
    http = HttpRequestTool(
        name="http_request", hosts=["api.example.com"], methods=["GET", "POST"]
    )
    asked = {"org_id": house.org_id, "actor": ACTOR, "agent_type_id": type_id}

    made = await house.bus.ask(GET_AGENT_TYPE, AgentTypeQuestion(**asked))
    changed = await house.bus.ask(
        UPDATE_AGENT_TYPE, UpdateAgentType(**asked, patch=AgentTypePatch(tools=[http]))
    )

    assert made.tools == [CurrentTimeTool(name="current_time")]
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


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
async def test_a_tool_call_that_is_too_long_is_not_read(house: House) -> None:
    agent = await working(house, ["current_time"])

    status, refused = await agent.use("current_time", zone="x" * 2 * 1024 * 1024)

    assert (status, refused["error_code"]) == (413, "REQUEST_TOO_LARGE")


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

    status, given = await agent.use("http_request", url=site.url("/never"))

    assert status == 200
    assert given["is_error"] is True
    assert "no whole answer" in given["content"]


async def test_every_tool_call_that_was_run_is_recorded_and_no_other(
    house: House, bus_as: BusAs, site: Site
) -> None:
    site.redirects["/away"] = (302, "http://169.254.169.254/")
    limits = AgentLimits(tool_calls_per_minute=3, http_requests_per_minute=9)
    agent = await working(house, ["current_time", asking(site)], limits=limits)
    metrics = HearingMetrics()

    await agent.use("current_time")
    await agent.use("http_request", url="https://example.com/")
    for path in ("/", "/away", "/"):
        await agent.use("http_request", url=site.url(path))
    async with (
        bus_as(Service.METRICS) as bus,
        bus.serving(Service.METRICS, answer(INGEST, metrics.ingest)),
    ):
        await metrics.has_heard(3)

    assert metrics.ends == [
        ("current_time", "completed", None),
        ("http_request", "completed", None),
        ("http_request", "refused", "TOOL_DESTINATION_FORBIDDEN"),
    ]
    assert {str(each.message_id) for each in metrics.heard} == {
        agent.message["message_id"]
    }


async def test_a_tool_call_that_takes_too_long_is_recorded_as_such(
    house: House, bus_as: BusAs, site: Site
) -> None:
    agent = await working(house, [asking(site, timeout_seconds=0.05)])
    metrics = HearingMetrics()

    await agent.use("http_request", url=site.url("/never"))
    async with (
        bus_as(Service.METRICS) as bus,
        bus.serving(Service.METRICS, answer(INGEST, metrics.ingest)),
    ):
        await metrics.has_heard(1)

    assert metrics.ends == [("http_request", "failed", "TOOL_TIMED_OUT")]


async def test_a_tool_call_whose_agent_went_away_is_recorded_as_cancelled(
    house: House, bus_as: BusAs, site: Site
) -> None:
    agent = await working(house, [asking(site, timeout_seconds=60)])
    metrics = HearingMetrics()

    gone = asyncio.create_task(agent.use("http_request", url=site.url("/never")))
    async with asyncio.timeout(20):
        await site.was_asked.wait()
    gone.cancel()
    async with (
        bus_as(Service.METRICS) as bus,
        bus.serving(Service.METRICS, answer(INGEST, metrics.ingest)),
    ):
        await metrics.has_heard(1)

    assert [each.status.value for each in metrics.heard] == ["cancelled"]


async def test_a_secret_in_an_answer_is_masked(house: House, site: Site) -> None:
    key = house.credentials.secrets[house.provider_id]
    site.bodies["/"] = f"your key is {key}".encode()
    agent = await working(house, [asking(site)])

    _, given = await agent.use("http_request", url=site.url("/"))

    assert "your key is [secret]" in given["content"]


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
