"""The runbook "Rotate the master key" of docs/operations.md, as it is written there."""

import asyncio
import re
import subprocess
from pathlib import Path

import pytest

from ag2trust.launched import Place
from ag2trust_sandbox import Sandbox

from .whole import OWNER_KEY, Whole, new_place, running

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

RUNBOOKS = Path(__file__).parents[2] / "docs" / "operations.md"


async def test_a_retired_master_key_opens_until_all_is_rewrapped_and_is_needed_no_more(
    sandbox: Sandbox,
) -> None:
    retire, rewrap = commands_of("Rotate the master key")
    with new_place() as place:
        async with running(place, "process") as whole:
            provider = await whole.operator.made(
                "/api/providers",
                {
                    "name": "openai",
                    "type": "openai",
                    "base_url": sandbox.base_url,
                    "api_key": "sk-any",
                },
            )
            old = await master_key_of(whole)
        await run(place, retire)
        async with running(place, "process") as whole:
            new = await master_key_of(whole)
            before = await counted(whole)
            await run(place, rewrap)
            await whole.operator.until("/api/master-key", data_keys={new: 1})
        (place.home / "keys" / "retired-1.key").unlink()
        async with running(place, "process") as whole:
            tested = await whole.operator.made(f"/api/providers/{provider['id']}/test")

    assert old != new
    assert before == {old: 1}
    assert tested["ok"]


def commands_of(runbook: str) -> list[str]:
    """Return what the fences of one section of the runbooks hold."""
    section = RUNBOOKS.read_text().split(f"\n## {runbook}\n")[1].split("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


async def run(place: Place, commands: str) -> None:
    """Run *commands* where the home's folder is, under the name that they use."""
    link = place.home.parent / ".ag2trust"
    if not link.exists():
        link.symlink_to(place.home)
    await asyncio.to_thread(
        subprocess.run,
        ["/bin/sh", "-euc", commands],
        cwd=place.home.parent,
        env=place.environment(API=f"{place.gateway_url}/api", KEY=OWNER_KEY),
        check=True,
        capture_output=True,
    )


async def master_key_of(whole: Whole) -> str:
    state = await whole.operator.ask("GET", "/api/master-key")
    return str(state.body["master_key_id"])


async def counted(whole: Whole) -> dict[str, int]:
    state = await whole.operator.ask("GET", "/api/master-key")
    found: dict[str, int] = state.body["data_keys"]
    return found
