"""What an agent type may spend and how often it may use tools, set on its page."""

import pytest
from playwright.async_api import Browser, expect

from .first_run import FirstRun
from .watched_page import WatchedPage, watched

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="session"),
]


async def test_a_type_is_given_a_budget_that_is_changed_and_removed_on_its_page(
    browser: Browser, first_run: FirstRun
) -> None:
    async with watched(browser, first_run.origin, state=first_run.state) as seen:
        page = seen.page
        await seen.go("/agent-types/new")
        await page.get_by_label("Name", exact=True).fill("Thrifty")
        await page.get_by_label("Model", exact=True).fill("sandbox-echo")
        await page.get_by_label("HTTP requests a minute").fill("0")
        await page.get_by_label("At most").fill("a lot")
        await page.get_by_role("button", name="Create agent type").click()
        await page.get_by_text("must be a number").first.wait_for()

        await page.get_by_label("At most").fill("250")
        await page.get_by_role("button", name="Create agent type").click()

        await page.get_by_text("$0.00 of $250.00 used this month").wait_for()
        await expect(page.get_by_label("HTTP requests a minute")).to_have_value("0")
        await seen.fits("agent-type-budget")

        await page.get_by_label("Counted in").select_option("Tokens")
        await page.get_by_label("At most").fill("9000")
        await page.get_by_label("Each").select_option("Day")
        await _save(seen, version=2)
        await page.get_by_text("0 of 9,000 tokens used today").wait_for()

        await seen.go("/usage")
        budget = page.get_by_role("listitem").filter(has_text="Thrifty")
        await expect(budget).to_contain_text("0 of 9,000 tokens used today")
        await page.go_back()

        await page.get_by_label("At most").fill("")
        await _save(seen, version=3)
        await page.reload()
        await expect(page.get_by_label("At most")).to_have_value("")
        await expect(page.get_by_text("used today")).to_have_count(0)
        assert [each for each in seen.wrongs if "422" not in each] == []


async def _save(seen: WatchedPage, *, version: int) -> None:
    await seen.page.get_by_role("button", name=f"Save as version {version}").click()
    await seen.page.get_by_text(f"Version {version}", exact=True).wait_for()
