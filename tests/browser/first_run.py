"""The way of a first visitor: from a link on the screen to a first answer."""

from dataclasses import dataclass

from playwright.async_api import StorageState, expect

from ag2trust_sandbox import Sandbox

from .watched_page import WatchedPage

__all__ = ["KEY", "PASSWORD", "FirstRun", "come_to_a_first_answer"]

PASSWORD = "correct horse battery"
KEY = "sk-browser-canary-7391"


@dataclass(frozen=True, slots=True)
class FirstRun:
    """The page that was gone through, and whoever is signed in on it."""

    seen: WatchedPage
    state: StorageState

    @property
    def origin(self) -> str:
        return self.seen.origin


async def come_to_a_first_answer(
    seen: WatchedPage, link: str, sandbox: Sandbox
) -> None:
    """Go only where the pages themselves lead."""
    await _come_in(seen, link)
    await _add_provider(seen, sandbox)
    await _make_agent_type(seen)
    await _start_agent(seen)
    await _ask(seen)


async def _come_in(seen: WatchedPage, link: str) -> None:
    page = seen.page
    await seen.go(link.removeprefix(seen.origin))
    await seen.picture("welcome")
    await page.get_by_label("Email").fill("ana@example.org")
    await page.get_by_label("Your name").fill("Ana")
    await page.get_by_label("New password").fill(PASSWORD)
    await page.get_by_role("button", name="Set password").click()
    await page.get_by_text("Three steps to a first answer").wait_for()
    await seen.picture("overview-first-steps")


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
    await page.get_by_role("link", name="Overview").click()
    await page.get_by_role("link", name="New agent type").click()
    await page.get_by_label("Name", exact=True).fill("Support")
    await page.get_by_label("Model", exact=True).fill("sandbox-echo")
    await page.get_by_role("button", name="Create agent type").click()
    await page.get_by_text("Version 1").wait_for()


async def _start_agent(seen: WatchedPage) -> None:
    page = seen.page
    await page.get_by_role("link", name="Overview").click()
    await page.get_by_role("link", name="New agent", exact=True).click()
    await page.get_by_label("Name", exact=True).fill("support-1")
    await page.get_by_role("button", name="Create agent").click()
    await page.get_by_text("Running").wait_for()


async def _ask(seen: WatchedPage) -> None:
    page = seen.page
    await page.get_by_role("link", name="Chat").click()
    await page.get_by_label("Message", exact=True).fill("Hello! Who are you?")
    await page.keyboard.press("Enter")
    await page.get_by_text("You said: Hello! Who are you?").wait_for()
    await page.get_by_text("Completed").wait_for()
    await expect(page.get_by_label("Message", exact=True)).to_be_focused()
