"""Tools of an MCP server, from its address to a change that somebody approved."""

import pytest
from playwright.async_api import Browser, expect
from tests.unit.agent_runner.tools.mcp.official_server import serving_officially

from .first_run import FirstRun
from .watched_page import watched

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="session"),
]


async def test_tools_are_read_and_approved_and_so_is_what_changes_in_one(
    browser: Browser, first_run: FirstRun
) -> None:
    async with (
        serving_officially() as server,
        watched(browser, first_run.origin, state=first_run.state) as seen,
    ):
        page = seen.page
        await seen.go("/settings/mcp-servers")
        await page.get_by_role("button", name="Add MCP server").first.click()
        await page.get_by_label("Name", exact=True).fill("oracle")
        await page.get_by_role("textbox", name="URL").fill(server.url)
        await (
            page.get_by_role("dialog")
            .get_by_role("button", name="Add MCP server")
            .click()
        )
        await page.get_by_role("heading", name="oracle").wait_for()
        tool = page.get_by_role("listitem", name="add")
        await expect(tool).to_contain_text("New")
        await seen.fits("mcp-tools-new")

        await page.get_by_role("button", name="Approve 3 tools").click()
        await expect(tool).to_contain_text("Approved")

        server.mcp.remove_tool("add")
        server.mcp.add_tool(lambda one: one, name="add", description="Add it all up.")
        await page.get_by_role("button", name="Ask again").click()
        await expect(tool).to_contain_text("+Add it all up.")
        await seen.fits("mcp-tool-changed")

        await tool.get_by_role("button", name="Approve change").click()
        await expect(tool).to_contain_text("Approved")

        await seen.go("/settings/mcp-servers")
        await expect(page.get_by_role("table")).to_contain_text(server.url)
        await seen.fits("mcp-servers-one")

    assert seen.wrongs == []
