"""What people wait for in the dashboard: `python -m benchmarks.dashboard`.

The distribution's Chromium loads the built dashboard (`make dashboard`) from a gateway
on loopback that answers as a large and busy organization's. It prints the median of
`--times` (10) first loads: the bytes that came over the wire, and when the page could
be used. Then the longest time for which the page did not answer while 1,000 events a
second were shown for `--seconds` (10), and while 10,000 agents were scrolled through.
"""

import argparse
import asyncio
import os
import statistics
import sys

from playwright.async_api import Browser, Page, async_playwright
from tests.browser.busy_gateway import AGENTS, busy_gateway

RATE = 1_000
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
CHROMIUM = "/usr/bin/chromium"

_LOADED = """() => ({
  bytes: performance.getEntriesByType("resource")
    .filter(({ name }) => !name.includes("/api/"))
    .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0),
  usable: performance.now(),
})"""
_WATCH = """() => {
  window.longest = 0;
  let last = performance.now();
  const frame = (now) => {
    window.longest = Math.max(window.longest, now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}"""


async def main() -> None:
    chosen = arguments()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        await first_loads(browser, chosen.times)
        await live_view(browser, chosen.seconds)
        await long_list(browser)
        await browser.close()
    sys.stdout.write(f"load of the machine       {os.getloadavg()[0]:.1f}\n")


async def first_loads(browser: Browser, times: int) -> None:
    """Load with an empty cache each time; usable is when the title stands there."""
    bytes_, usable = [], []
    async with busy_gateway(rate=0, events=0) as (url, _):
        for _ in range(times):
            context = await browser.new_context()
            page = await context.new_page()
            await page.goto(url)
            await page.get_by_role("heading", level=1).wait_for()
            loaded = await page.evaluate(_LOADED)
            bytes_.append(loaded["bytes"])
            usable.append(loaded["usable"])
            await context.close()
    sys.stdout.write(
        f"first load                {statistics.median(bytes_) / 1000:.0f} kB\n"
        f"usable after              {statistics.median(usable):.0f} ms\n"
    )


async def live_view(browser: Browser, seconds: int) -> None:
    events = RATE * seconds
    async with busy_gateway(rate=RATE, events=events) as (url, gateway):
        page = await browser.new_page()
        await page.goto(f"{url}/calls")
        await page.get_by_role("table").wait_for()
        await page.evaluate(_WATCH)
        await gateway.all_sent.wait()
        await report(page, f"{RATE:,} events a second")


async def long_list(browser: Browser) -> None:
    async with busy_gateway(rate=0, events=0) as (url, _):
        page = await browser.new_page()
        await page.goto(f"{url}/agents?status=running")
        await page.get_by_role(
            "link", name=f"Running {AGENTS:,}", exact=True
        ).wait_for()
        await page.evaluate(_WATCH)
        for part in range(1, 101):
            await page.evaluate(
                f"window.scrollTo(0, document.body.scrollHeight * {part} / 100)"
            )
        await page.get_by_role("link", name=f"agent-{AGENTS - 1:05}").wait_for()
        await report(page, f"{AGENTS:,} agents scrolled")


async def report(page: Page, what: str) -> None:
    longest = await page.evaluate("window.longest")
    sys.stdout.write(f"{what:<26}longest wait {longest:.0f} ms\n")
    await page.close()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=10)
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main())
