"""The chain of the audit, verified from its page: whole, and touched."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from playwright.async_api import Browser, expect

from ag2trust.postgres import SUPERUSER, Postgres
from ag2trust.provisioning import DATABASE

from .conftest import Installed
from .first_run import FirstRun
from .watched_page import watched

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="session"),
]

_EDIT = "UPDATE credentials.audit SET act = 'nothing.happened' WHERE position = 1"
_UNDO = "UPDATE credentials.audit SET act = $1 WHERE position = 1"
_ACT = "SELECT act FROM credentials.audit WHERE position = 1"


async def test_a_chain_that_nobody_touched_is_told_with_its_length_and_end(
    browser: Browser, first_run: FirstRun
) -> None:
    async with watched(browser, first_run.origin, state=first_run.state) as seen:
        await seen.go("/settings/audit")

        await seen.page.get_by_role("button", name="Verify chain").click()

        verdict = seen.page.get_by_role("status").filter(has_text="The chain is whole")
        await expect(verdict).to_contain_text("up to entry")
        await seen.picture("audit-whole")
        assert await seen.barriers() == []
        assert seen.wrongs == []


async def test_a_list_that_is_wider_than_the_screen_can_be_reached_by_keyboard(
    browser: Browser, first_run: FirstRun
) -> None:
    async with watched(browser, first_run.origin, state=first_run.state) as seen:
        await seen.page.set_viewport_size({"width": 260, "height": 600})
        await seen.go("/settings/audit")

        region = seen.page.get_by_role("region", name="Audit")
        await expect(region).to_have_attribute("tabindex", "0")
        await region.focus()

        await expect(region).to_be_focused()
        assert await seen.barriers() == []


async def test_a_chain_that_was_touched_is_told_with_the_entry_and_what_to_do(
    browser: Browser, first_run: FirstRun, installed: Installed
) -> None:
    async with (
        watched(browser, first_run.origin, state=first_run.state) as seen,
        _touched(installed),
    ):
        await seen.go("/settings/audit")

        await seen.page.get_by_role("button", name="Verify chain").click()

        verdict = seen.page.get_by_role("alert")
        await expect(verdict).to_contain_text("Entry 1 was edited")
        await expect(verdict).to_contain_text("restore a backup that verifies")
        await seen.picture("audit-touched")
        assert await seen.barriers() == []
        assert seen.wrongs == []


@asynccontextmanager
async def _touched(installed: Installed) -> AsyncIterator[None]:
    """Edit the first entry past the service, and undo it."""
    passwords = json.loads((installed.home / "keys" / "passwords.json").read_text())
    postgres = Postgres(
        installed.home / "data" / "postgres", log=installed.home / "log"
    )
    url = postgres.url(SUPERUSER, passwords[SUPERUSER], DATABASE)
    connection = await asyncpg.connect(url)
    act = await connection.fetchval(_ACT)
    await connection.execute(_EDIT)
    try:
        yield
    finally:
        await connection.execute(_UNDO, act)
        await connection.close()
