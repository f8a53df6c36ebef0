"""A page in a browser, watched for what must never happen on any."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, ConsoleMessage, Page, Request, StorageState

__all__ = ["WatchedPage", "watched"]

Theme = Literal["light", "dark"]

# Where the screenshots of a run go, to be looked at.
SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"

_PATIENCE_MS = 60_000
_NOT_SIGNED_IN = "401 (Unauthorized)"


@dataclass  # Playwright hangs its own attributes on whose method it calls
class WatchedPage:
    """*wrongs* are console errors, uncaught failures and requests to other hosts.

    A browser calls every 401 an error; that of a visitor nobody knows yet is none.
    """

    page: Page
    origin: str
    wrongs: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)

    async def go(self, path: str) -> None:
        await self.page.goto(self.origin + path)
        await self.page.get_by_role("heading", level=1).first.wait_for()
        await self.page.wait_for_load_state("networkidle")

    async def picture(self, name: str) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)

    def hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and _NOT_SIGNED_IN not in message.text:
            self.wrongs.append(f"console: {message.text}")

    def see(self, request: Request) -> None:
        self.sent.append(f"{request.url} {request.post_data or ''}")
        if not request.url.startswith(self.origin + "/"):
            self.wrongs.append(f"request to {request.url}")


@asynccontextmanager
async def watched(
    browser: Browser,
    origin: str,
    *,
    width: int = 1280,
    theme: Theme = "light",
    state: StorageState | None = None,
) -> AsyncIterator[WatchedPage]:
    """Open a page of *width*; *state* is that of somebody who is signed in."""
    context = await browser.new_context(
        viewport={"width": width, "height": 844},
        color_scheme=theme,
        storage_state=state,
    )
    context.set_default_timeout(_PATIENCE_MS)
    page = await context.new_page()
    watching = WatchedPage(page, origin)
    page.on("console", watching.hear)
    page.on("request", watching.see)
    page.on("pageerror", lambda error: watching.wrongs.append(f"uncaught: {error}"))
    try:
        yield watching
    finally:
        await context.close()
