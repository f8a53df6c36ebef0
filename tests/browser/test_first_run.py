"""From the link of the first start to a first answer, and every page after that."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, StorageState, expect

from ag2trust_sandbox import Sandbox

from .conftest import Installed
from .watched_page import Theme, WatchedPage, watched

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="module"),
]

PASSWORD = "correct horse battery"
KEY = "sk-browser-canary-7391"
PAGES = {
    "overview": "/",
    "agents": "/agents",
    "new-agent": "/agents/new",
    "agent-types": "/agent-types",
    "new-agent-type": "/agent-types/new",
    "calls": "/calls",
    "usage": "/usage",
    "usage-by-model": "/usage?by=model&period=7d",
    "system": "/system",
    "providers": "/settings/providers",
    "add-provider": "/settings/providers/new",
    "api-keys": "/settings/api-keys",
    "people": "/settings/people",
    "audit": "/settings/audit",
    "master-key": "/settings/master-key",
    "no-such-page": "/nonsense",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def first_run(
    browser: Browser, installed: Installed, sandbox: Sandbox
) -> AsyncIterator[tuple[WatchedPage, StorageState]]:
    """Somebody who came by the link and has asked an agent something."""
    async with watched(browser, installed.url) as seen:
        await _come_in(seen, installed.first_login)
        await _add_provider(seen, sandbox)
        await _make_agent_type(seen)
        await _start_agent(seen)
        await _ask(seen)
        yield seen, await seen.page.context.storage_state()


async def test_the_way_from_the_first_link_to_a_first_answer_is_clean(
    first_run: tuple[WatchedPage, StorageState],
) -> None:
    seen, _ = first_run

    assert seen.wrongs == []
    assert "#" not in seen.page.url


async def test_a_provider_key_is_sent_once_or_for_a_test_and_kept_nowhere(
    first_run: tuple[WatchedPage, StorageState],
) -> None:
    seen, state = first_run

    sent = [each.split(" ")[0] for each in seen.sent if KEY in each]
    stored = await seen.page.evaluate(
        "() => JSON.stringify([{...localStorage}, {...sessionStorage}])"
    )

    assert sent == [
        f"{seen.origin}/api/providers/test",
        f"{seen.origin}/api/providers",
    ]
    assert KEY not in stored
    assert KEY not in await seen.page.content()
    assert PASSWORD not in str(state)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
async def test_every_page_shows_itself_without_an_error(
    browser: Browser,
    first_run: tuple[WatchedPage, StorageState],
    theme: Theme,
    width: int,
) -> None:
    origin, state = first_run[0].origin, first_run[1]
    async with watched(browser, origin, width=width, theme=theme, state=state) as seen:
        for name, path in PAGES.items():
            await seen.go(path)
            await seen.picture(f"{name}-{theme}-{width}")
            wide = await seen.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{path} is wider than the screen"

    assert seen.wrongs == []


async def test_a_provider_in_use_cannot_be_deleted_and_its_agents_are_named(
    browser: Browser, first_run: tuple[WatchedPage, StorageState]
) -> None:
    origin, state = first_run[0].origin, first_run[1]
    async with watched(browser, origin, state=state) as seen:
        await seen.go("/settings/providers")
        await seen.page.get_by_role("link", name="openai-prod").click()
        await seen.page.get_by_role("button", name="More for openai-prod").click()
        await seen.page.get_by_role("menuitem", name="Delete provider").click()
        dialog = seen.page.get_by_role("dialog")

        await dialog.get_by_role("button", name="Delete provider").click()

        await expect(dialog.get_by_text("PROVIDER_IN_USE")).to_be_visible()
        await expect(dialog.get_by_role("link", name="support-1")).to_be_visible()


async def test_whoever_signs_out_is_out(
    browser: Browser, first_run: tuple[WatchedPage, StorageState]
) -> None:
    origin = first_run[0].origin
    async with watched(browser, origin) as seen:
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
    browser: Browser, first_run: tuple[WatchedPage, StorageState]
) -> None:
    async with watched(browser, first_run[0].origin) as seen:
        await seen.go("/")
        await seen.page.get_by_label("Email").fill("ana@example.org")
        await seen.page.get_by_label("Password").fill("not the password")

        await seen.page.get_by_role("button", name="Sign in").click()

        await expect(seen.page.get_by_role("alert")).to_be_visible()


async def _come_in(seen: WatchedPage, link: str) -> None:
    page = seen.page
    await page.goto(link)
    await page.get_by_label("Email").fill("ana@example.org")
    await page.get_by_label("Your name").fill("Ana")
    await page.get_by_label("New password").fill(PASSWORD)
    await page.get_by_role("button", name="Set password").click()
    await page.get_by_text("Three steps to a first answer").wait_for()


async def _add_provider(seen: WatchedPage, sandbox: Sandbox) -> None:
    page = seen.page
    await page.get_by_role("link", name="Add provider").click()
    await page.get_by_label("Name", exact=True).fill("openai-prod")
    await page.get_by_role("textbox", name="Base URL").fill(sandbox.base_url)
    await page.locator("input[name=api_key]").fill(f"  {KEY} ")
    await page.get_by_role("button", name="Test provider").click()
    await page.get_by_text("The provider answered in").wait_for()
    await page.get_by_role("button", name="Add provider").click()
    await page.get_by_role("heading", name="openai-prod").wait_for()


async def _make_agent_type(seen: WatchedPage) -> None:
    page = seen.page
    await seen.go("/agent-types/new")
    await page.get_by_label("Name", exact=True).fill("Support")
    await page.get_by_label("Model").fill("sandbox-echo")
    await page.get_by_role("button", name="Create agent type").click()
    await page.get_by_text("Version 1").wait_for()


async def _start_agent(seen: WatchedPage) -> None:
    page = seen.page
    await seen.go("/agents/new")
    await page.get_by_label("Name", exact=True).fill("support-1")
    await page.get_by_role("button", name="Create agent").click()
    await page.get_by_text("Running").wait_for()


async def _ask(seen: WatchedPage) -> None:
    page = seen.page
    await page.get_by_role("link", name="Chat").click()
    await page.get_by_label("Message").fill("Hello! Who are you?")
    await page.keyboard.press("Enter")
    await page.get_by_text("You said: Hello! Who are you?").wait_for()
    await page.get_by_text("completed").wait_for()
