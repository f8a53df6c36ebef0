"""A key may no more than was chosen for it, and the list says what that is."""

import pytest
from playwright.async_api import Browser, expect

from gateway.access.permissions import Permission, Role, permissions_of

from .first_run import FirstRun
from .watched_page import watched

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="session"),
]


async def test_a_key_is_narrowed_to_the_scopes_that_were_chosen(
    browser: Browser, first_run: FirstRun
) -> None:
    async with watched(browser, first_run.origin, state=first_run.state) as seen:
        page = seen.page
        await seen.go("/settings/api-keys")
        await page.get_by_role("button", name="New API key").first.click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("Name", exact=True).fill("reporter")
        await dialog.get_by_label("Rights").select_option("chosen")
        for scope in ("agents:read", "alerts:read", "usage:read"):
            await dialog.get_by_role("checkbox", name=scope).check()
        await seen.fits("new-api-key-scopes")

        await dialog.get_by_role("button", name="Make key").click()

        await dialog.get_by_text("This is the only time it is shown").wait_for()
        await dialog.get_by_role("button", name="Close").last.click()
        row = page.get_by_role("row").filter(has_text="reporter")
        await row.get_by_text("3 scopes").click()
        await expect(
            row.get_by_text("agents:read, alerts:read, usage:read")
        ).to_be_visible()
        await seen.fits("api-keys-scopes")
        assert seen.wrongs == []


async def test_a_role_is_offered_exactly_the_scopes_that_it_may(
    browser: Browser, first_run: FirstRun
) -> None:
    async with watched(browser, first_run.origin, state=first_run.state) as seen:
        await seen.go("/settings/api-keys")
        await seen.page.get_by_role("button", name="New API key").first.click()
        dialog = seen.page.get_by_role("dialog")
        await dialog.get_by_label("Rights").select_option("chosen")

        for role in Role:
            await dialog.get_by_label("Role").select_option(role)
            boxes = dialog.get_by_role("checkbox")
            offered = await boxes.evaluate_all("all => all.map(({ value }) => value)")

            assert set(offered) == permissions_of(role) - {Permission.SELF}
