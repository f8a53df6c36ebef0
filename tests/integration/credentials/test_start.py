"""What the service makes of its files, as a part of this process and as its own."""

import json

import pytest

from ag2trust.testing import Stack
from credentials.app import serving
from credentials.settings import Settings
from shared.bus import NatsBus
from shared.contracts.base import Empty
from shared.contracts.credentials import PING
from shared.errors import (
    CredentialWrongKeyError,
    LeaseRefusedError,
    MasterKeyUnavailableError,
    UnavailableError,
)
from shared.ids import new_id

from ..shared.relay import relaying  # noqa: TID252 - no package
from .service_process import running_process
from .speaking import API_KEY, Agent, Operator, Runner

pytestmark = pytest.mark.integration


async def _agent(operator: Operator, runner: Runner) -> Agent:
    """Make an agent that uses a provider."""
    agent = Agent(runner, (await operator.create()).id)
    await agent.claim()
    return agent


async def test_secrets_survive_a_restart(
    settings: Settings, operator: Operator, runner: Runner
) -> None:
    async with serving(settings):
        agent = await _agent(operator, runner)

    async with serving(settings):
        leased = await agent.lease()

    assert leased.fields["api_key"].get_secret_value() == API_KEY


async def test_another_master_key_is_told_from_a_changed_secret(
    stack: Stack, settings: Settings, operator: Operator, runner: Runner
) -> None:
    async with serving(settings):
        agent = await _agent(operator, runner)
    stack.installation.master_key_file.write_text("ab" * 32)

    async with serving(settings):
        with pytest.raises(CredentialWrongKeyError, match="local:"):
            await agent.lease()


async def test_a_runner_gets_leases_of_its_organizations_alone(
    settings: Settings, operator: Operator, runner: Runner
) -> None:
    [entry] = json.loads(settings.runners_file.read_text())
    entry["organizations"] = [str(operator.org_id)]
    own = json.dumps([entry])
    entry["organizations"] = [str(new_id())]
    foreign = json.dumps([entry])

    settings.runners_file.write_text(own)
    async with serving(settings):
        agent = await _agent(operator, runner)
        await agent.lease()

    settings.runners_file.write_text(foreign)
    async with serving(settings):
        with pytest.raises(LeaseRefusedError):
            await agent.lease()


async def test_without_its_master_key_the_service_does_not_start(
    stack: Stack, settings: Settings
) -> None:
    stack.installation.master_key_file.unlink()

    with pytest.raises(MasterKeyUnavailableError):
        async with serving(settings):
            pass


async def test_nobody_answers_once_the_service_has_stopped(
    settings: Settings, gateway: NatsBus
) -> None:
    async with serving(settings):
        await gateway.ask(PING, Empty())

    with pytest.raises(UnavailableError):
        await gateway.ask(PING, Empty())


async def test_as_a_process_it_answers_until_it_is_told_to_stop(
    stack: Stack, gateway: NatsBus
) -> None:
    async with running_process(stack) as service:
        await gateway.ask(PING, Empty())

    assert service.exit_code == 0
    assert service.events[-1] == "service.stopped"


async def test_as_a_process_it_ends_once_the_bus_has_shut_it_out(stack: Stack) -> None:
    async with relaying(stack.servers.nats_url) as relay:
        nats_url = {"AG2TRUST_CREDENTIALS_NATS_URL": relay.url}
        async with running_process(stack, **nats_url) as service:
            relay.say(b"-ERR 'User Authentication Revoked'\r\n")
            await service.ended()

    assert service.exit_code == 1
    assert service.events[-1] == "service.failed"


@pytest.mark.parametrize(
    ("file", "text", "sentence"),
    [
        ("master_key_file", "none", "64 hexadecimal digits"),
        ("runners_file", "[{}]", "0.runner: is required"),
    ],
)
async def test_as_a_process_it_says_in_words_why_it_does_not_start(
    stack: Stack, settings: Settings, file: str, text: str, sentence: str
) -> None:
    getattr(settings, file).write_text(text)

    async with running_process(stack) as service:
        pass

    assert service.exit_code == 1
    assert service.events == ["service.failed"]
    assert sentence in service.log
