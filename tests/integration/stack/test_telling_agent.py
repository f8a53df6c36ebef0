"""An agent that tells all it knows: its environment, printed and as its answer."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
import pytest_asyncio

from ag2trust.operator import Operator
from ag2trust.testing import Stack
from ag2trust_sandbox import Sandbox
from agent_runner.masking import MASK
from agent_runner.runtimes.process.runtime import process_runtime
from agent_runner.runtimes.runtime import Runtime
from agent_runner.settings import Settings

from .four_services import OWNER_KEY, four_services

pytestmark = pytest.mark.integration

KEY = "sk-a-key-that-is-told-0123456789"
TELLING = """
import json, os, sys
from urllib.request import Request, urlopen

told = json.dumps({name: os.environ[name] for name in sorted(os.environ, reverse=True)})
print(told, flush=True)
print(told, file=sys.stderr, flush=True)
url, token = os.environ["AG2TRUST_AGENT_URL"], os.environ["AG2TRUST_AGENT_TOKEN"]

def call(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    with urlopen(Request(f"{url}/agent/v1/{path}", data, headers)) as answer:
        return json.loads(answer.read() or "null")

call("configuration")
while True:
    message = call("next?wait_seconds=5")
    if message is None:
        continue
    failed = {"status": "failed", "error": {"code": "TOLD", "message": told[:1000]}}
    completed = {"status": "completed", "content": told}
    reply = failed if message["content"] == "fail" else completed
    call(f"messages/{message['message_id']}/reply", reply)
"""


@asynccontextmanager
async def _telling(settings: Settings) -> AsyncIterator[Runtime]:
    async with process_runtime(
        state=settings.state_folder / "process",
        command=(sys.executable, "-c", TELLING),
    ) as runtime:
        yield runtime


@pytest_asyncio.fixture
async def operator(stack: Stack) -> AsyncIterator[Operator]:
    async with (
        four_services(stack, open_runtime=_telling) as url,
        aiohttp.ClientSession(url, headers={"X-API-Key": OWNER_KEY}) as session,
    ):
        yield Operator(session)


async def test_what_it_tells_is_masked_wherever_it_is_kept(
    operator: Operator, sandbox: Sandbox, stack: Stack
) -> None:
    ids = await operator.running_agent(sandbox.base_url, KEY)
    path = f"/api/agents/{ids['agent_id']}"

    answer = await operator.made(f"{path}/messages", {"content": "tell"})
    failure = await operator.made(f"{path}/messages", {"content": "fail"})
    logs = await operator.ask("GET", f"{path}/logs")

    said = f'"OPENAI_API_KEY": "{MASK}"'
    assert said in answer["content"]
    assert said in failure["explanation"]["message"]
    assert sum(said in line for line in logs.body["lines"]) == 2
    told = [repr(answer), repr(failure), repr(logs), await _rows(stack)]
    assert MASK in told[-1]
    assert not any(KEY in each for each in told)


async def _rows(stack: Stack) -> str:
    """Read whatever the runner keeps in its schema."""
    superuser = await stack.connect()
    tables = await superuser.fetch(
        """
        SELECT format('SELECT t::text AS row FROM agent_runner.%I t', tablename)
            AS query
        FROM pg_tables
        WHERE schemaname = 'agent_runner'
        """
    )
    rows = [await superuser.fetch(each["query"]) for each in tables]
    await superuser.close()
    return "\n".join(row["row"] for found in rows for row in found)
