"""What single keys do, where they must not do it, and how they are switched off."""

import pytest
from playwright.async_api import Browser, expect

from .first_run import FirstRun
from .watched_page import Theme, watched

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="session"),
]


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_a_question_mark_tells_the_shortcuts_and_escape_ends_that(
    browser: Browser, first_run: FirstRun, theme: Theme
) -> None:
    async with watched(
        browser, first_run.origin, theme=theme, state=first_run.state
    ) as seen:
        await seen.go("/")
        await seen.page.keyboard.press("?")
        dialog = seen.page.get_by_role("dialog", name="Keyboard shortcuts")
        await expect(dialog).to_contain_text("Go to the filter")
        await seen.picture(f"shortcuts-{theme}-1280")
        assert await seen.barriers() == []

        await seen.page.keyboard.press("Escape")

        await expect(dialog).to_have_count(0)
        assert seen.wrongs == []


async def test_two_keys_lead_to_a_page_and_one_to_its_filter(
    browser: Browser, first_run: FirstRun
) -> None:
    async with watched(browser, first_run.origin, state=first_run.state) as seen:
        await seen.go("/")

        await seen.page.keyboard.press("g")
        await seen.page.keyboard.press("a")
        await seen.page.get_by_role("heading", name="Agents", level=1).wait_for()
        filter_by_name = seen.page.get_by_role("searchbox")
        await filter_by_name.wait_for()
        await seen.page.keyboard.press("/")

        await expect(filter_by_name).to_be_focused()
        await seen.page.keyboard.press("?")
        await expect(filter_by_name).to_have_value("?")
        await expect(seen.page.get_by_role("dialog")).to_have_count(0)


async def test_whoever_switches_the_shortcuts_off_has_none(
    browser: Browser, first_run: FirstRun
) -> None:
    async with watched(browser, first_run.origin, state=first_run.state) as seen:
        await seen.go("/")
        await seen.page.get_by_role("button", name="Keyboard shortcuts").click()
        await seen.page.get_by_label("Use single-key shortcuts").uncheck()
        await seen.page.keyboard.press("Escape")
        await expect(seen.page.get_by_role("dialog")).to_have_count(0)

        await seen.page.keyboard.press("g")
        await seen.page.keyboard.press("a")
        await seen.page.keyboard.press("?")

        await seen.page.reload()
        await seen.settled()
        await seen.page.keyboard.press("?")
        await expect(seen.page.get_by_role("dialog")).to_have_count(0)
        await expect(seen.page).to_have_url(f"{first_run.origin}/")
