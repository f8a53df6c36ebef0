"""A page in a browser, watched for what must never happen on any."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Literal

from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Error,
    Page,
    Request,
    StorageState,
    expect,
)

__all__ = ["Theme", "WatchedPage", "watched"]

Theme = Literal["light", "dark"]

_ROOT = Path(__file__).parents[2]

# Where the pictures of a run go, to be looked at.
SCREENSHOTS = _ROOT / "build" / "screenshots"

_AXE = _ROOT / "services/gateway/dashboard/node_modules/axe-core/axe.min.js"
_VIOLATIONS = """async (rules) => {
  const runOnly = rules.length ? { type: "rule", values: rules } : undefined;
  const options = { resultTypes: ["violations"], runOnly };
  const { violations } = await axe.run(document, options);
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target} ${failureSummary}`));
}"""

# What hears of another width does so before the next frame, and draws by the one after.
_DRAWN = """() => new Promise((resolve) =>
  requestAnimationFrame(() => requestAnimationFrame(resolve)))"""

_OF_COLOUR = ["color-contrast", "link-in-text-block"]
_WIDTHS = (1280, 390)
_THEMES: tuple[Theme, ...] = ("light", "dark")
_HEIGHT = 844
_PATIENCE_MS = 60_000
_NETWORK_CHANGED = "ERR_NETWORK_CHANGED"
# Told besides the failure of the request itself, which is heard or was the network's.
_GIVEN_UP = ("Unable to preload", "dynamically imported module")
_TRIES = 8

expect.set_options(timeout=_PATIENCE_MS)  # for the pages that look again after seconds


@dataclass  # Playwright hangs its own attributes on whose method it calls
class WatchedPage:
    """*wrongs* are console errors, uncaught failures and requests to other hosts.

    A browser that has no network of its own (`own_network`) gives up what it loads
    whenever one of this machine's comes or goes: then a page is asked for again.
    """

    page: Page
    origin: str
    wrongs: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    is_interrupted: bool = False

    async def go(self, path: str) -> None:
        """Open a page, and wait until nothing on it is being loaded."""
        for _ in range(_TRIES):
            self.is_interrupted = False
            try:
                await self.page.goto(self.origin + path)
                await self.settled()
            except (Error, AssertionError):
                if not self.is_interrupted:
                    raise
            if not self.is_interrupted:
                return

    async def fits(self, name: str) -> None:
        """Fail unless the page that is open fits every look, and keeps nobody out.

        One that does not is kept as a picture.
        """
        for width, theme in product(_WIDTHS, _THEMES):
            await self._look_like(width=width, theme=theme)
            wide = await self.page.evaluate("document.documentElement.scrollWidth")
            # A theme changes nothing but colours.
            barriers = await self.barriers(*(() if theme == "light" else _OF_COLOUR))
            if wide > width or barriers:
                await self.picture(f"{name}-{theme}-{width}")
            assert wide <= width, f"{name} is wider than the screen"
            assert barriers == [], f"{name}, {theme}, {width}"
        await self._look_like(width=max(_WIDTHS), theme="light")

    async def _look_like(self, *, width: int, theme: Theme) -> None:
        await self.page.set_viewport_size({"width": width, "height": _HEIGHT})
        await self.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        await self.page.evaluate(_DRAWN)

    async def settled(self) -> None:
        await self.page.get_by_role("heading", level=1).first.wait_for()
        await expect(self.page.locator('[aria-label^="Loading "]')).to_have_count(0)

    async def picture(self, name: str) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)

    async def barriers(self, *rules: str) -> list[str]:
        """Return what axe finds that keeps people out, by some *rules* or by all."""
        if not await self.page.evaluate("'axe' in window"):
            await self.page.evaluate(_AXE.read_text())
        found: list[str] = await self.page.evaluate(_VIOLATIONS, rules)
        return found

    def hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.note(f"console: {message.text}")

    def note(self, wrong: str) -> None:
        """Keep what is wrong, unless it is known and nobody's fault."""
        known = (_NETWORK_CHANGED, *_GIVEN_UP)
        if not any(each in wrong for each in known):
            self.wrongs.append(wrong)

    def see(self, request: Request) -> None:
        self.sent.append(f"{request.url} {request.post_data or ''}")
        if not request.url.startswith(self.origin + "/"):
            self.wrongs.append(f"request to {request.url}")

    def miss(self, request: Request) -> None:
        if _NETWORK_CHANGED in (request.failure or ""):
            self.is_interrupted = True


@asynccontextmanager
async def watched(
    browser: Browser,
    origin: str,
    *,
    theme: Theme = "light",
    state: StorageState | None = None,
) -> AsyncIterator[WatchedPage]:
    """Open a wide page; *state* is that of somebody who is signed in."""
    context = await browser.new_context(
        viewport={"width": 1280, "height": _HEIGHT},
        color_scheme=theme,
        storage_state=state,
    )
    context.set_default_timeout(_PATIENCE_MS)
    page = await context.new_page()
    watching = WatchedPage(page, origin)
    page.on("console", watching.hear)
    page.on("request", watching.see)
    page.on("requestfailed", watching.miss)
    page.on("pageerror", lambda error: watching.note(f"uncaught: {error}"))
    try:
        yield watching
    finally:
        await context.close()
