"""Nobody is offered what the role may not do, and closed pages say that they are."""

import pytest
from playwright.async_api import Browser, expect

from .first_run import PASSWORD, FirstRun
from .watched_page import watched

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="session"),
]


async def test_a_viewer_sees_agents_is_offered_no_act_and_told_of_closed_pages(
    browser: Browser, first_run: FirstRun
) -> None:
    link = await _invited_viewer(browser, first_run)
    async with watched(browser, first_run.origin) as seen:
        page = seen.page
        await seen.go(link.removeprefix(first_run.origin))
        await page.get_by_label("New password").fill(PASSWORD)
        await page.get_by_role("button", name="Set password").click()
        await page.get_by_role("heading", name="Overview").wait_for()

        await seen.go("/agents")
        await expect(page.get_by_role("link", name="support-1")).to_be_visible()
        await expect(page.get_by_role("link", name="New agent")).to_have_count(0)
        await seen.go("/settings/api-keys")
        await page.get_by_text("Your role may not see API keys").wait_for()
        await expect(page.get_by_role("button", name="New API key")).to_have_count(0)
        await seen.picture("api-keys-not-allowed")
        assert await seen.barriers() == []


async def _invited_viewer(browser: Browser, first_run: FirstRun) -> str:
    async with watched(browser, first_run.origin, state=first_run.state) as seen:
        await seen.go("/settings/people")
        await seen.page.get_by_role("button", name="Invite person").click()
        await seen.page.get_by_label("Email").fill("vera@example.org")
        await seen.page.get_by_role("button", name="Make invitation link").click()
        return await seen.page.get_by_role("dialog").locator("pre").inner_text()
