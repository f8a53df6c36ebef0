"""Names as long as names may be, without a space in them, leave every page whole."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser

from ag2trust_sandbox import Sandbox

from .conftest import Installed
from .first_run import FirstRun
from .watched_page import watched

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="session"),
]

LONG = "Unbroken" + "x" * 92
EMAIL = f"{'x' * 60}@{'y' * 60}.example"
SHOWING = {
    "agents": "/agents",
    "new-agent": "/agents/new",
    "agent-types": "/agent-types",
    "new-agent-type": "/agent-types/new",
    "calls": "/calls",
    "providers": "/settings/providers",
    "people": "/settings/people",
}


async def test_long_names_leave_every_page_whole(
    browser: Browser, first_run: FirstRun, installed: Installed, sandbox: Sandbox
) -> None:
    key = (installed.home / "api-key").read_text().strip()
    async with (
        _long_named(installed.url, key, sandbox),
        watched(browser, first_run.origin, state=first_run.state) as seen,
    ):
        for name, path in SHOWING.items():
            await seen.go(path)
            await seen.page.get_by_text("xxxxxxxx").first.wait_for(state="attached")
            await seen.fits(f"long-names-{name}")

    assert seen.wrongs == []


@asynccontextmanager
async def _long_named(url: str, key: str, sandbox: Sandbox) -> AsyncIterator[None]:
    """Have a provider, a type, an agent and a person of long names, for a while."""
    made: list[str] = []
    headers = {"X-API-Key": key}
    async with aiohttp.ClientSession(f"{url}/api/", headers=headers) as session:

        async def make(path: str, **body: Any) -> str:
            async with session.post(path, json=body, raise_for_status=True) as answer:
                found: str = (await answer.json())["id"]
            made.append(f"{path}/{found}")
            return found

        try:
            provider_id = await make(
                "providers",
                name=LONG,
                type="openai",
                base_url=sandbox.base_url,
                api_key="sk-any-long-enough",
            )
            type_id = await make(
                "agent-types",
                name=LONG,
                slug="x" * 63,
                provider_id=provider_id,
                model="sandbox-echo",
            )
            await make("agents", name=LONG, agent_type_id=type_id)
            await make("users", email=EMAIL)
            yield
        finally:
            for path in reversed(made):
                await session.delete(path)
