"""A large organization's lists and a busy one's events do not stall the dashboard."""

import pytest
from playwright.async_api import Browser, expect

from .busy_gateway import AGENTS, busy_gateway
from .own_network import OwnNetwork
from .watched_page import watched

pytestmark = [
    pytest.mark.stack,  # it shares their browser
    pytest.mark.timeout(120),
    pytest.mark.asyncio(loop_scope="session"),
]

DRAWN = 150
EVENTS = 5_000
KEPT = 2_000


async def test_ten_thousand_agents_are_scrolled_through_with_few_rows_drawn(
    browser: Browser, network: OwnNetwork
) -> None:
    async with (
        busy_gateway(rate=0, events=0) as (url, _),
        network.showing(url),
        watched(browser, url) as seen,
    ):
        page = seen.page
        await seen.go("/agents?status=running")
        await page.get_by_role(
            "link", name=f"Running {AGENTS:,}", exact=True
        ).wait_for()

        await page.evaluate("window.scrollTo(0, document.body.scrollHeight)")

        await page.get_by_role("link", name=f"agent-{AGENTS - 1:05}").wait_for()
        assert await page.get_by_role("row").count() < DRAWN
        table = page.get_by_role("table", name="Agents")
        await expect(table).to_have_attribute("aria-rowcount", f"{AGENTS + 1}")
        assert seen.wrongs == []


async def test_a_thousand_events_a_second_are_shown_while_the_page_still_answers(
    browser: Browser, network: OwnNetwork
) -> None:
    async with (
        busy_gateway(rate=1_000, events=EVENTS) as (url, gateway),
        network.showing(url),
        watched(browser, url) as seen,
    ):
        page = seen.page
        await seen.go("/calls")
        table = page.get_by_role("table", name="Calls")
        await table.wait_for()

        await page.get_by_role("button", name="Live").click()

        await page.get_by_role("button", name="Paused").wait_for()
        is_busy_still = gateway.sent < EVENTS
        await page.get_by_role("button", name="Paused").click()
        await expect(table).to_have_attribute("aria-rowcount", f"{KEPT + 1}")
        await expect(page.get_by_role("cell", name=f"{EVENTS + 99:,}")).to_be_visible()
        assert await page.get_by_role("row").count() < DRAWN
        assert is_busy_still
        assert seen.wrongs == []
