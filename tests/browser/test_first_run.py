"""From the link of the first start to a first answer."""

import pytest
from playwright.async_api import Browser, expect

from .first_run import KEY, PASSWORD, FirstRun
from .watched_page import watched

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="session"),
]


async def test_the_way_from_the_first_link_to_a_first_answer_is_clean(
    first_run: FirstRun,
) -> None:
    assert first_run.seen.wrongs == []
    assert "#" not in first_run.seen.page.url


async def test_a_provider_key_is_sent_once_or_for_a_test_and_kept_nowhere(
    first_run: FirstRun,
) -> None:
    seen = first_run.seen

    sent = [each.split(" ")[0] for each in seen.sent if KEY in each]
    stored = await seen.page.evaluate(
        "() => JSON.stringify([{...localStorage}, {...sessionStorage},"
        " document.cookie])"
    )

    assert sent == [
        f"{seen.origin}/api/providers/test",
        f"{seen.origin}/api/providers",
    ]
    assert KEY not in stored
    assert KEY not in await seen.page.content()
    assert PASSWORD not in str(first_run.state)
    assert "session" not in stored


async def test_whoever_signs_out_is_out(browser: Browser, first_run: FirstRun) -> None:
    async with watched(browser, first_run.origin) as seen:
        await seen.go("/")
        await seen.page.get_by_label("Email").fill("ana@example.org")
        await seen.page.get_by_label("Password").fill(PASSWORD)
        await seen.page.get_by_role("button", name="Sign in").click()
        await seen.page.get_by_role("button", name="Account").click()

        await seen.page.get_by_role("menuitem", name="Sign out").click()

        await seen.page.get_by_role("button", name="Sign in").wait_for()
        await seen.go("/agents")
        await expect(seen.page.get_by_role("heading", level=1)).to_have_text("Sign in")


async def test_a_wrong_password_is_told_in_words(
    browser: Browser, first_run: FirstRun
) -> None:
    async with watched(browser, first_run.origin) as seen:
        await seen.go("/")
        await seen.page.get_by_label("Email").fill("ana@example.org")
        await seen.page.get_by_label("Password").fill("not the password")

        await seen.page.get_by_role("button", name="Sign in").click()

        await expect(seen.page.get_by_role("alert")).to_be_visible()
        assert await seen.barriers() == []
