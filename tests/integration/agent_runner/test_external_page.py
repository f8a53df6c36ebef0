"""What docs/external-agents.md says works as it stands there."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from ag2trust.ports import free_port
from ag2trust.testing import BusAs, Stack
from ag2trust_sandbox import EXAMPLE_KEY_PAIR, Sandbox, serving
from shared.agent_tokens import hash_token, new_token
from shared.contracts.agent_runner import CREATE_AGENT, BaseUrls, CreateAgent
from shared.contracts.credentials import ProviderType
from shared.ids import new_id

from .neighbours import FakeRuntime
from .runner_house import ACTOR, House, open_neighbourhood, running

pytestmark = pytest.mark.integration

PAGE = Path(__file__).parents[3] / "docs" / "external-agents.md"
SECTION = re.compile(r"^### (.+?)\n.*?^```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL)
SNIPPETS = dict(SECTION.findall(PAGE.read_text()))
EXPORTS = "".join(re.findall(r"^export .*\n", PAGE.read_text(), re.MULTILINE))
MODELS = sorted(set(re.findall(r'odel(?:Id)?"?[=:] ?"([^"]+)"', PAGE.read_text())))
NODE = str(Path(sys.executable).with_name("node"))


@dataclass(frozen=True, slots=True)
class Language:
    """How a snippet is run, and which provider it is for."""

    command: tuple[str, ...]
    provider: ProviderType = ProviderType.OPENAI


LANGUAGES = {
    "Python, openai": Language((sys.executable, "-")),
    "Python, anthropic": Language((sys.executable, "-"), ProviderType.ANTHROPIC),
    "Python, boto3": Language((sys.executable, "-"), ProviderType.BEDROCK),
    "JavaScript": Language((NODE, "--input-type=module", "-")),
    "curl": Language(("sh", "-s")),
}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with serving() as provider:
        yield provider


@pytest.fixture
async def house(stack: Stack, bus_as: BusAs) -> AsyncIterator[House]:
    async with (
        open_neighbourhood(stack, bus_as, FakeRuntime()) as opened,
        running(stack, FakeRuntime(), external_port=free_port()),
    ):
        yield opened


def test_every_snippet_of_the_page_is_run_and_has_five_lines_at_most() -> None:
    longest = max(
        len([line for line in each.splitlines() if line]) for each in SNIPPETS.values()
    )

    assert SNIPPETS.keys() == LANGUAGES.keys()
    assert longest <= 5


@pytest.mark.parametrize("name", LANGUAGES)
async def test_a_snippet_gets_its_answer(
    house: House, sandbox: Sandbox, name: str
) -> None:
    language = LANGUAGES[name]
    choose(house, sandbox, language.provider)
    urls, token = await external_agent(house)

    printed = await run(
        language.command,
        SNIPPETS[name],
        {
            "TOKEN": token,
            "OPENAI": urls.openai,
            "ANTHROPIC": urls.anthropic,
            "BEDROCK": urls.bedrock,
        },
    )

    assert "You said: Hello!" in printed
    assert sandbox.request_count == 1
    assert token not in str(sandbox.requests[0].headers)


def choose(house: House, sandbox: Sandbox, provider: ProviderType) -> None:
    house.credentials.type = provider
    match provider:
        case ProviderType.OPENAI:
            house.credentials.base_url = sandbox.base_url
        case ProviderType.ANTHROPIC:
            house.credentials.base_url = sandbox.anthropic_base_url
        case ProviderType.BEDROCK:
            house.credentials.base_url = sandbox.bedrock_endpoint_url
            house.credentials.region = "us-east-1"
            house.credentials.fields = {
                "aws_access_key_id": EXAMPLE_KEY_PAIR.access_key_id,
                "aws_secret_access_key": EXAMPLE_KEY_PAIR.secret_access_key,
            }


async def external_agent(house: House) -> tuple[BaseUrls, str]:
    models = [each for each in MODELS if ("." in each) is is_bedrock(house)]
    agent_type_id = await house.make_agent_type(
        "external", runtime="external", model=models[0], allowed_models=models
    )
    token = new_token()
    agent = await house.bus.ask(
        CREATE_AGENT,
        CreateAgent(
            org_id=house.org_id,
            actor=ACTOR,
            agent_id=new_id(),
            name="batch-1",
            agent_type_id=agent_type_id,
            token_hash=hash_token(token),
        ),
    )
    assert agent.base_urls
    return agent.base_urls, token


def is_bedrock(house: House) -> bool:
    return house.credentials.type is ProviderType.BEDROCK


async def run(
    command: tuple[str, ...], program: str, variables: Mapping[str, str]
) -> str:
    """Run *program* in a shell that has done what the page says first."""
    process = await asyncio.create_subprocess_exec(
        "sh",
        "-c",
        f'{EXPORTS}exec "$@"',
        "sh",
        *command,
        env={"PATH": os.environ["PATH"], **variables},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        printed, errors = await process.communicate(program.encode())
    assert process.returncode == 0, errors.decode()
    return printed.decode()
