"""Tool calls of an agent: listed with how they ended, and explained one by one."""

import json

import pytest
from playwright.async_api import Browser, expect

from ag2trust.ports import free_port
from ag2trust_sandbox import Sandbox, Step
from ag2trust_sandbox.script import ToolCall

from .first_run import FirstRun
from .watched_page import WatchedPage, watched

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="session"),
]


async def test_a_tool_call_is_listed_and_one_that_failed_is_explained(
    browser: Browser, first_run: FirstRun, sandbox: Sandbox
) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    async with watched(browser, first_run.origin, state=first_run.state) as seen:
        page = seen.page
        await seen.go("/calls/tools")
        await seen.fits("tool-calls-none")
        await _make_agent_with_tools(seen, nobody)

        asked = json.dumps({"url": f"http://{nobody}/"})
        sandbox.play(
            Step(
                tool_calls=(
                    ToolCall(name="current_time", arguments="{}"),
                    ToolCall(name="http_request", arguments=asked),
                )
            ),
            Step(content="Nobody is there."),
        )
        await _ask(seen)

        await page.get_by_role("link", name="Overview").last.click()
        await page.get_by_role("link", name="Its tool calls").click()
        failed = page.get_by_role("row").filter(has_text="TOOL_NO_ANSWER")
        await expect(failed).to_contain_text("http_request")
        await expect(page.get_by_role("row")).to_have_count(3)
        await seen.fits("tool-calls")

        await failed.get_by_role("link", name="http_request").click()
        await expect(page.get_by_role("row")).to_have_count(2)
        await failed.get_by_role("link").first.click()
        await page.get_by_text("The tool got no answer that can be used.").wait_for()
        await seen.fits("tool-call")
        assert nobody not in await page.content()

        await page.get_by_role("link", name="All tool calls for it").click()
        await expect(page.get_by_role("row")).to_have_count(3)
        assert seen.wrongs == []


async def _make_agent_with_tools(seen: WatchedPage, host: str) -> None:
    page = seen.page
    await seen.go("/agent-types/new")
    await page.get_by_label("Name", exact=True).fill("Handy")
    await page.get_by_label("Model", exact=True).fill("sandbox-echo")
    await page.get_by_label("Tell the time").check()
    await page.get_by_label("Send HTTP requests").check()
    await page.get_by_label("Hosts that HTTP requests may go to").fill(host)
    await page.get_by_role("button", name="Create agent type").click()
    await page.get_by_text("Version 1").wait_for()
    await seen.go("/agents/new")
    await page.get_by_label("Name", exact=True).fill("handy-1")
    await page.get_by_label("Agent type").select_option("Handy (sandbox-echo)")
    await page.get_by_role("button", name="Create agent").click()
    await page.get_by_text("Running").wait_for()


async def _ask(seen: WatchedPage) -> None:
    page = seen.page
    await page.get_by_role("link", name="Chat").click()
    await page.get_by_label("Message", exact=True).fill("Is anybody there?")
    await page.keyboard.press("Enter")
    await page.get_by_text("Nobody is there.").wait_for()
    await page.get_by_text("Completed").wait_for()
