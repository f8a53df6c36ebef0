"""A thread of more messages than a page holds is read to its first one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, expect

from ag2trust_sandbox import Sandbox

from .conftest import Installed
from .first_run import FirstRun
from .watched_page import watched

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="session"),
]

_PAGE = 200


async def test_what_was_said_before_the_last_page_is_shown_to_who_asks_for_it(
    browser: Browser, first_run: FirstRun, installed: Installed, sandbox: Sandbox
) -> None:
    headers = {"X-API-Key": (installed.home / "api-key").read_text().strip()}
    url = f"{installed.url}/api/"
    async with (
        aiohttp.ClientSession(url, headers=headers, raise_for_status=True) as session,
        _long_thread(session, sandbox) as (agent_id, thread_id),
        watched(browser, first_run.origin, state=first_run.state) as seen,
    ):
        page = seen.page
        await seen.go(f"/agents/{agent_id}/chat?thread={thread_id}")
        await page.get_by_text("The newest").wait_for()
        await expect(page.get_by_text("The very first")).to_have_count(0)

        await page.get_by_role("button", name="Show earlier messages").click()

        await expect(page.get_by_text("The very first")).to_have_count(1)
        await expect(page.get_by_text("The newest")).to_have_count(1)
        await expect(page.get_by_role("button", name="Show earlier")).to_have_count(0)
        assert seen.wrongs == []


@asynccontextmanager
async def _long_thread(
    session: aiohttp.ClientSession, sandbox: Sandbox
) -> AsyncIterator[tuple[str, str]]:
    """Have one of a page and two messages for a while; they are only acknowledged."""
    made: list[str] = []

    async def make(path: str, **body: Any) -> str:
        found: str = (await _posted(session, path, **body))["id"]
        made.append(f"{path}/{found}")
        return found

    try:
        provider_id = await make(
            "providers",
            name="openai-off",
            type="openai",
            base_url=sandbox.base_url,
            api_key="sk-any-long-enough",
            enabled=False,
        )
        type_id = await make(
            "agent-types",
            name="Long talks",
            slug="long-talks",
            provider_id=provider_id,
            model="sandbox-echo",
        )
        agent_id = await make("agents", name="talker", agent_type_id=type_id)
        await _posted(session, f"agents/{agent_id}/start")
        yield agent_id, await _talk(session, f"agents/{agent_id}/messages")
    finally:
        for path in reversed(made):
            await session.delete(path)


async def _talk(session: aiohttp.ClientSession, path: str) -> str:
    """Say more than a page holds, and return the thread."""
    first = await _posted(session, path, content="The very first")
    thread_id: str = first["thread_id"]
    await asyncio.gather(
        *(
            _posted(session, path, content="In between", thread_id=thread_id)
            for _ in range(_PAGE)
        )
    )
    await _posted(session, path, content="The newest", thread_id=thread_id)
    return thread_id


async def _posted(
    session: aiohttp.ClientSession, path: str, **body: Any
) -> dict[str, Any]:
    async with session.post(path, json=body) as answer:
        found: dict[str, Any] = await answer.json()
    return found
