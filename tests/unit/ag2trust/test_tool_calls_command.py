"""What `ag2trust tool-calls` asks for and tells."""

from tests.unit.client.gateway import json_answer, serving
from tests.unit.client.objects import AGENT_JSON, page_of, sample

from .running_commands import run

NOTHING = json_answer(page_of([]))
WHY = sample("Explanation", code="TOOL_TIMED_OUT", message="It was late.", fix="Wait.")
FAILED = sample(
    "ToolCall",
    agent_id=AGENT_JSON["id"],
    tool="http_request",
    status="failed",
    code="TOOL_TIMED_OUT",
    explanation=WHY,
)


async def test_filters_are_asked_for_and_agents_are_named() -> None:
    agents = json_answer(page_of([AGENT_JSON]))

    async with serving(agents, json_answer(page_of([FAILED])), agents) as gateway:
        said = await run(
            gateway,
            *("tool-calls", "list", "--agent", "ada", "--tool", "http_request"),
            *("--status", "failed", "--period", "7d", "--limit", "5"),
        )

    assert dict(gateway.asked[1].query) == {
        "agent_id": AGENT_JSON["id"],
        "tool": "http_request",
        "status": "failed",
        "period": "7d",
        "limit": "5",
    }
    assert said.output.splitlines()[1].split()[3:6] == [
        "ada",
        "http_request",
        "TOOL_TIMED_OUT",
    ]


async def test_no_more_is_asked_for_than_is_wanted() -> None:
    first = json_answer(page_of([FAILED, FAILED], next_cursor="next"))

    async with serving(first, json_answer(page_of([FAILED])), NOTHING) as gateway:
        said = await run(gateway, "tool-calls", "list", "--limit", "3")

    assert [dict(each.query).get("limit") for each in gateway.asked[:2]] == ["3", "1"]
    assert dict(gateway.asked[1].query)["cursor"] == "next"
    assert len(said.output.splitlines()) == 4


async def test_a_tool_call_that_failed_is_explained() -> None:
    async with serving(json_answer(FAILED), NOTHING, NOTHING) as gateway:
        said = await run(gateway, "tool-calls", "show", FAILED["tool_call_id"])

    assert "It was late." in said.output
    assert "Wait." in said.output
