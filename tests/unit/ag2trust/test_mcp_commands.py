"""What `ag2trust mcp-servers` sends and tells."""

from typing import Any

import pytest
from aiohttp import web
from tests.unit.client.gateway import Answer, json_answer, refusal, serving
from tests.unit.client.objects import page_of, sample

from .running_commands import run

SERVER = sample("McpServer", name="tickets")
HELPER = sample("AgentType", name="helper", slug="helper", tools=[])
FINGERPRINT = "ab" * 32
# Asked for to show a type: providers and servers.
NAMES = (json_answer(page_of([])), json_answer(page_of([SERVER])))


def tool(name: str, status: str, **fields: Any) -> dict[str, Any]:
    definition = {"description": f"Does {name}.", "input_schema": {"type": "object"}}
    usual = {"fingerprint": FINGERPRINT, "definition": definition, "problem": None}
    return sample(
        "McpTool",
        name=name,
        told_as=f"tickets__{name}",
        status=status,
        **usual | {"diff": []} | fields,
    )


def tools(*found: dict[str, Any]) -> dict[str, Any]:
    return sample("McpTools", data=[*found], next_cursor=None, explanation=None)


async def test_a_token_is_read_and_not_told() -> None:
    took: list[Any] = []

    async def create(request: web.Request) -> web.Response:
        took.append(await request.json())
        return web.json_response(SERVER, status=201)

    async with serving(create) as gateway:
        said = await run(
            gateway,
            "mcp-servers",
            "add",
            "tickets",
            "https://mcp.example.com/mcp",
            given="a-secret-token\n",
        )

    assert took[0]["token"] == "a-secret-token"
    assert "a-secret-token" not in said.output


async def test_a_server_whose_token_is_taken_away_is_not_said_to_have_another() -> None:
    answers = json_answer(page_of([SERVER])), json_answer(SERVER)

    async with serving(*answers) as gateway:
        said = await run(gateway, "mcp-servers", "token", "tickets", "--none")

    assert said.stderr == "tickets is asked without a token from now on.\n"


async def test_a_server_that_does_not_answer_is_not_said_to_have_no_tools() -> None:
    why = sample("Explanation", message="No connection.", fix="See that it runs.")
    silent = {**tools(), "explanation": why}

    async with serving(json_answer(page_of([SERVER])), json_answer(silent)) as gateway:
        said = await run(gateway, "mcp-servers", "tools", "tickets")

    assert said.stderr == "No connection. See that it runs.\n"
    assert said.exit_code == 1


async def test_what_is_approved_is_what_was_shown() -> None:
    took: list[Any] = []
    changed = tool("change", "changed", diff=["-Does it.", "+Does change."])
    found = tools(tool("old", "approved"), tool("look", "new"), changed)

    async def approve(request: web.Request) -> web.Response:
        took.append(await request.json())
        return web.json_response(found)

    async with serving(
        json_answer(page_of([SERVER])), json_answer(found), approve
    ) as gateway:
        said = await run(gateway, "mcp-servers", "approve", "tickets", given="y\n")

    assert [each["name"] for each in took[0]["tools"]] == ["look", "change"]
    assert {each["fingerprint"] for each in took[0]["tools"]} == {FINGERPRINT}
    assert "Does look." in said.output
    assert "-Does it." in said.output
    assert "Does old." not in said.output


async def test_nothing_is_approved_without_a_yes() -> None:
    async with serving(
        json_answer(page_of([SERVER])), json_answer(tools(tool("look", "new")))
    ) as gateway:
        said = await run(gateway, "mcp-servers", "approve", "tickets", given="n\n")

    assert said.exit_code == 1


async def test_what_cannot_be_approved_is_told() -> None:
    found = tools(tool("look", "unusable", problem="It hides something."))

    async with serving(json_answer(page_of([SERVER])), json_answer(found)) as gateway:
        said = await run(gateway, "mcp-servers", "approve", "tickets", "look")

    assert said.exit_code == 2
    assert "It hides something." in said.stderr


def taking(took: list[Any]) -> Answer:
    async def change(request: web.Request) -> web.Response:
        took.append(await request.json())
        return web.json_response(HELPER)

    return change


async def test_a_type_is_given_tools_of_a_server_by_its_name() -> None:
    took: list[Any] = []
    found = tools(tool("look", "approved"), tool("find", "approved"))

    async with serving(
        json_answer(page_of([HELPER])),
        json_answer(page_of([SERVER])),
        json_answer(found),
        taking(took),
        *NAMES,
    ) as gateway:
        said = await run(
            gateway, "agent-types", "change", "helper", "--mcp", "tickets:look,find"
        )

    [given] = took[0]["tools"]
    assert (given["name"], given["server_id"]) == ("mcp", SERVER["id"])
    assert given["tools"] == ["look", "find"]
    assert said.stderr == ""


@pytest.mark.parametrize(
    ("found", "warning"),
    [
        pytest.param(
            tool("look", "new"),
            "No agent has look of tickets until it is approved:"
            " ag2trust mcp-servers approve tickets look",
            id="not approved",
        ),
        pytest.param(
            tool("look", "gone"), "tickets has no tool look any more.", id="gone"
        ),
        pytest.param(
            tool("look", "unusable", problem="It hides something."),
            "look of tickets cannot be approved. It hides something.",
            id="unusable",
        ),
        pytest.param(
            tool("find", "approved"), "tickets has no tool look.", id="unknown"
        ),
    ],
)
async def test_a_tool_that_its_agents_will_not_have_is_told(
    found: dict[str, Any], warning: str
) -> None:
    took: list[Any] = []

    async with serving(
        json_answer(page_of([HELPER])),
        json_answer(page_of([SERVER])),
        json_answer(tools(found)),
        taking(took),
        *NAMES,
    ) as gateway:
        said = await run(
            gateway, "agent-types", "change", "helper", "--mcp", "tickets:look"
        )

    assert took[0]["tools"][0]["tools"] == ["look"]
    assert said.stderr == f"{warning}\n"


async def test_a_tool_of_a_server_that_does_not_answer_is_told() -> None:
    why = sample("Explanation", message="No connection.", fix="See that it runs.")

    async with serving(
        json_answer(page_of([HELPER])),
        json_answer(page_of([SERVER])),
        json_answer({**tools(tool("look", "approved")), "explanation": why}),
        taking([]),
        *NAMES,
    ) as gateway:
        said = await run(
            gateway, "agent-types", "change", "helper", "--mcp", "tickets:look,nope"
        )

    assert said.stderr == ("tickets does not answer, and no nope of it is approved.\n")


async def test_who_may_not_see_tools_may_still_name_them() -> None:
    took: list[Any] = []

    async with serving(
        json_answer(page_of([HELPER])),
        json_answer(page_of([SERVER])),
        refusal(403, "FORBIDDEN"),
        taking(took),
        *NAMES,
    ) as gateway:
        said = await run(
            gateway, "agent-types", "change", "helper", "--mcp", "tickets:look"
        )

    assert took[0]["tools"][0]["tools"] == ["look"]
    assert said.stderr == ""


async def test_a_type_is_shown_with_the_names_of_its_servers() -> None:
    mcp = sample("McpServerTools-Output", name="mcp", server_id=SERVER["id"])
    agent_type = sample("AgentType", name="helper", slug="helper", tools=[mcp])

    async with serving(
        json_answer(page_of([agent_type])),
        json_answer(page_of([])),
        json_answer(page_of([SERVER])),
    ) as gateway:
        said = await run(gateway, "agent-types", "show", "helper")

    assert "mcp (tickets; every approved tool)" in said.output
