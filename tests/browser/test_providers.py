"""What is changed about a provider that is there, and what is left as it was."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, Locator, expect

from ag2trust_sandbox import Sandbox

from .conftest import Installed
from .first_run import FirstRun
from .watched_page import WatchedPage, watched

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="session"),
]

_NEXT_SECRET = "moved-canary-4410"


async def test_a_provider_that_is_asked_at_another_path_keeps_its_key_and_the_rest(
    browser: Browser, first_run: FirstRun, installed: Installed, sandbox: Sandbox
) -> None:
    async with (
        _provider(
            installed,
            name="openai-path",
            type="openai",
            base_url=sandbox.base_url,
            api_key="sk-any-long-enough",
            labels={"team": "search"},
            limits={"concurrent": 4},
        ) as provider,
        watched(browser, first_run.origin, state=first_run.state) as seen,
    ):
        dialog = await _edit(seen, provider)
        await dialog.get_by_label("Base URL").fill(f"{sandbox.base_url}/eu")
        await dialog.get_by_label("Tokens a minute").fill("9000")

        await dialog.get_by_role("button", name="Save changes").click()

        await expect(dialog).to_have_count(0)
        await seen.page.get_by_text(f"{sandbox.base_url}/eu").wait_for()
        found = await provider.now()
        assert found["labels"] == {"team": "search"}
        assert found["limits"]["concurrent"] == 4
        assert found["limits"]["tokens_per_minute"] == 9000
        assert found["credential"]["version"] == 1
        _only_refused(seen)


async def test_a_bedrock_provider_that_moves_to_another_region_is_asked_for_its_key(
    browser: Browser, first_run: FirstRun, installed: Installed
) -> None:
    async with (
        _provider(
            installed,
            name="bedrock-moving",
            type="bedrock",
            aws_region="us-east-1",
            aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
            aws_secret_access_key="any-long-enough-secret",
        ) as provider,
        watched(browser, first_run.origin, state=first_run.state) as seen,
    ):
        dialog = await _edit(seen, provider)
        await dialog.get_by_label("Region").fill("eu-central-1")
        await dialog.get_by_role("button", name="Save changes").click()
        await dialog.get_by_text("SECRET_REQUIRED").wait_for()
        await seen.fits("edit-provider-key-needed")
        await dialog.get_by_label("Access key id").fill("AKIAIOSFODNN7EXAMPLE")
        await dialog.get_by_label("Secret access key").fill(_NEXT_SECRET)

        await dialog.get_by_role("button", name="Save changes").click()

        await expect(dialog).to_have_count(0)
        found = await provider.now()
        assert found["aws_region"] == "eu-central-1"
        assert "eu-central-1" in found["base_url"]
        assert _NEXT_SECRET not in await seen.page.content()
        _only_refused(seen)


async def test_who_was_second_to_change_a_provider_sees_what_the_first_one_saved(
    browser: Browser, first_run: FirstRun, installed: Installed, sandbox: Sandbox
) -> None:
    async with (
        _provider(
            installed,
            name="openai-contested",
            type="openai",
            base_url=sandbox.base_url,
            api_key="sk-any-long-enough",
        ) as provider,
        watched(browser, first_run.origin, state=first_run.state) as seen,
    ):
        dialog = await _edit(seen, provider)
        await dialog.get_by_label("Use case").fill("mine")
        await provider.change(use_case="theirs")

        await dialog.get_by_role("button", name="Save changes").click()

        await dialog.get_by_text("Somebody changed this provider meanwhile").wait_for()
        await seen.fits("edit-provider-conflict")
        await dialog.get_by_role("button", name="Show what is there now").click()
        await expect(dialog.get_by_label("Use case")).to_have_value("theirs")
        await dialog.get_by_label("Use case").fill("both")
        await dialog.get_by_role("button", name="Save changes").click()
        await expect(dialog).to_have_count(0)
        assert (await provider.now())["use_case"] == "both"
        _only_refused(seen)


@dataclass(frozen=True, slots=True)
class _Provider:
    """One that is there, as whoever calls the API sees and changes it."""

    session: aiohttp.ClientSession
    path: str
    name: str

    @property
    def page(self) -> str:
        return f"/settings/{self.path}"

    async def now(self) -> dict[str, Any]:
        async with self.session.get(self.path, raise_for_status=True) as answer:
            found: dict[str, Any] = await answer.json()
        return found

    async def change(self, **patch: Any) -> None:
        await self.session.patch(self.path, json=patch, raise_for_status=True)


@asynccontextmanager
async def _provider(installed: Installed, **body: Any) -> AsyncIterator[_Provider]:
    """Have a provider for a while."""
    headers = {"X-API-Key": (installed.home / "api-key").read_text().strip()}
    url = f"{installed.url}/api/"
    async with aiohttp.ClientSession(url, headers=headers) as session:
        made = await session.post("providers", json=body, raise_for_status=True)
        path = f"providers/{(await made.json())['id']}"
        try:
            yield _Provider(session, path, body["name"])
        finally:
            await session.delete(path)


async def _edit(seen: WatchedPage, provider: _Provider) -> Locator:
    await seen.go(provider.page)
    await seen.page.get_by_role("button", name=f"More for {provider.name}").click()
    await seen.page.get_by_role("menuitem", name="Edit provider").click()
    return seen.page.get_by_role("dialog")


def _only_refused(seen: WatchedPage) -> None:
    """Fail on any wrong but what the browser itself says of a refused request."""
    assert [wrong for wrong in seen.wrongs if "the server responded" not in wrong] == []
