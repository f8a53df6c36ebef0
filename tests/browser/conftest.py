"""The dashboard on the whole stack, in the distribution's Chromium.

Without a window to draw it costs less: the headless shell comes first.
"""

import re
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from ag2trust.launched import READY, Place, launching
from ag2trust.quick_folder import quick_folder
from ag2trust_sandbox import Sandbox, serving

from .first_run import FirstRun, come_to_a_first_answer
from .own_network import OwnNetwork, own_network
from .watched_page import watched

_CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
_LINK = re.compile(r"http://\S+/welcome#\S+")

if _CHROMIUM is None:
    sys.stderr.write("There is no chromium here: the dashboard is not tested.\n")
    collect_ignore_glob = ["test_*.py"]


@dataclass(frozen=True, slots=True)
class Installed:
    """A stack that runs, and the link that makes its first visitor the owner."""

    url: str
    first_login: str
    home: Path


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with serving() as provider:
        yield provider


@pytest.fixture(scope="session")
def network() -> Iterator[OwnNetwork]:
    with own_network() as network:
        yield network


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def installed(network: OwnNetwork) -> AsyncIterator[Installed]:
    with quick_folder() as folder:
        place = Place(folder / "home")
        async with launching(
            place, AG2TRUST_ALLOW_PRIVATE_TOOL_HOSTS="true"
        ) as launcher:
            await launcher.says(READY, seconds=120)
            await launcher.says("/welcome#")
            link = _LINK.search(launcher.screen)
            assert link is not None
            async with network.showing(place.gateway_url):
                yield Installed(place.gateway_url, link.group(), place.home)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(network: OwnNetwork) -> AsyncIterator[Browser]:
    assert _CHROMIUM is not None
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=network.inside(_CHROMIUM), args=_FLAGS
        )
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def first_run(
    browser: Browser, installed: Installed, sandbox: Sandbox
) -> AsyncIterator[FirstRun]:
    """Somebody who came by the link and has asked an agent something."""
    async with watched(browser, installed.url) as seen:
        await come_to_a_first_answer(seen, installed.first_login, sandbox)
        yield FirstRun(seen, await seen.page.context.storage_state())
