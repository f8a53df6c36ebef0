"""Draw the dashboard's overview as SVG, in both themes: `make pictures`.

The distribution's Chromium shows the built dashboard, which asks a gateway of an
example organization; what it shows is written down as boxes, icons and text.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from aiohttp import web
from playwright.async_api import Browser, async_playwright

from gateway.dashboard import dashboard_routes

from .example_organization import NOW, answer_to

_ROOT = Path(__file__).parents[3]
_DIST = _ROOT / "services/gateway/dashboard/dist"
_PICTURES = _ROOT / "docs/pictures"
_DRAWING = Path(__file__).with_name("drawing.js")
_CHROMIUM = "/usr/bin/chromium"
_WIDTH, _HEIGHT = 1280, 866
_THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


async def main() -> None:
    async with _gateway() as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=_CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        for theme in _THEMES:
            drawn = await _overview(browser, url, theme)
            (_PICTURES / f"overview-{theme}.svg").write_text(drawn)
        await browser.close()


async def _overview(browser: Browser, url: str, theme: Literal["light", "dark"]) -> str:
    context = await browser.new_context(
        viewport={"width": _WIDTH, "height": _HEIGHT},
        color_scheme=theme,
        timezone_id="UTC",
        locale="en-GB",
    )
    page = await context.new_page()
    await page.clock.set_fixed_time(NOW)
    await page.goto(url)
    await page.get_by_text("Calls per hour").wait_for()
    await page.get_by_text("Cost by agent type").wait_for()
    await page.get_by_role("link", name="Running 38").wait_for()
    drawn: str = await page.evaluate(_DRAWING.read_text(), _HEIGHT)
    await context.close()
    return drawn


@asynccontextmanager
async def _gateway() -> AsyncIterator[str]:
    """Serve the dashboard and what it asks, on loopback; yields the address."""
    app = web.Application()
    app.add_routes([web.get("/api/{rest:.*}", _answer), *dashboard_routes(_DIST)])
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


async def _answer(request: web.Request) -> web.Response:
    if request.path == "/api/events":
        return web.Response(content_type="text/event-stream")
    return web.json_response(answer_to(request.path, request.query))


asyncio.run(main())
