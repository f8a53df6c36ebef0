"""Every page, in both themes and two widths: whole, quiet, and open to everybody."""

import pytest
from playwright.async_api import Browser, expect

from .first_run import FirstRun
from .watched_page import WatchedPage, watched

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="session"),
]

PAGES = {
    "overview": "/",
    "agents": "/agents",
    "agents-none-match": "/agents?name=nobody",
    "new-agent": "/agents/new",
    "connect-agent": "/agents/connect",
    "agent-types": "/agent-types",
    "new-agent-type": "/agent-types/new",
    "calls": "/calls",
    "tool-calls": "/calls/tools",
    "usage": "/usage",
    "usage-by-model": "/usage?by=model&period=7d",
    "alerts": "/alerts",
    "system": "/system",
    "providers": "/settings/providers",
    "add-provider": "/settings/providers/new",
    "mcp-servers": "/settings/mcp-servers",
    "webhooks": "/settings/webhooks",
    "prices": "/settings/prices",
    "api-keys": "/settings/api-keys",
    "people": "/settings/people",
    "audit": "/settings/audit",
    "master-key": "/settings/master-key",
    "no-such-page": "/nonsense",
}
FIRST_LOAD_BYTES = 250_000


async def test_every_page_fits_says_no_error_and_keeps_nobody_out(
    browser: Browser, first_run: FirstRun
) -> None:
    async with watched(browser, first_run.origin, state=first_run.state) as seen:
        await seen.go("/")
        for name, path in {**PAGES, **await _detail_pages(seen)}.items():
            await seen.go(path)
            await seen.fits(name)

    assert seen.wrongs == []


async def test_what_a_first_visit_loads_is_small(
    browser: Browser, first_run: FirstRun
) -> None:
    async with watched(browser, first_run.origin, state=first_run.state) as seen:
        await seen.go("/")

        loaded = await seen.page.evaluate(
            """() => performance.getEntriesByType("resource")
                .filter(({ name }) => !name.includes("/api/"))
                .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)"""
        )

    assert 0 < loaded < FIRST_LOAD_BYTES


async def test_what_is_not_there_is_said_with_a_way_on(
    browser: Browser, first_run: FirstRun
) -> None:
    async with watched(browser, first_run.origin, state=first_run.state) as seen:
        await seen.go("/agents/01900000-0000-7000-8000-000000000001")

        await seen.page.get_by_text("AGENT_NOT_FOUND").wait_for()

        await seen.picture("agent-not-there")
        assert await seen.barriers() == []


async def test_the_address_keeps_what_was_filtered(
    browser: Browser, first_run: FirstRun
) -> None:
    async with watched(browser, first_run.origin, state=first_run.state) as seen:
        await seen.go("/calls")
        await seen.page.get_by_label("Status", exact=True).select_option("failed")
        await seen.page.get_by_text("No call matches").wait_for()

        await seen.page.reload()

        await seen.page.get_by_text("No call matches").wait_for()
        await expect(seen.page.get_by_label("Status", exact=True)).to_have_value(
            "failed"
        )


async def _detail_pages(seen: WatchedPage) -> dict[str, str]:
    """Return the pages of one thing of each kind: the first that was made."""
    agent = await _oldest(seen, "agents", "id")
    thread = await _oldest(seen, "threads", "id")
    return {
        "agent": f"/agents/{agent}",
        "chat": f"/agents/{agent}/chat",
        "thread": f"/agents/{agent}/chat?thread={thread}",
        "log": f"/agents/{agent}/log",
        "agent-type": f"/agent-types/{await _oldest(seen, 'agent-types', 'id')}",
        "provider": f"/settings/providers/{await _oldest(seen, 'providers', 'id')}",
        "call": f"/calls/{await _oldest(seen, 'calls', 'call_id')}",
    }


async def _oldest(seen: WatchedPage, kind: str, name: str) -> str:
    found: str = await seen.page.evaluate(
        f"() => fetch('/api/{kind}').then((answer) => answer.json())"
        f".then(({{ data }}) => data.at(-1).{name})"
    )
    return found
