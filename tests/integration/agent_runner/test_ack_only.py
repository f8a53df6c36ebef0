"""Agents whose provider is not ready: nothing is sent to a model, nothing is lost."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from ag2trust.testing import BusAs, Stack
from shared.bus import NatsBus
from shared.contracts.agent_runner import (
    DELETE_AGENT,
    RESTART_AGENT,
    START_AGENT,
    STOP_AGENT,
    AgentStatus,
)
from shared.contracts.agent_types import OnAckOnly
from shared.contracts.base import Explanation
from shared.contracts.conversations import (
    GET_MESSAGE,
    AgentMessage,
    MessageQuestion,
    MessageStatus,
)
from shared.contracts.credentials import PROVIDER_CHANGED, ProviderChanged
from shared.errors import (
    AppError,
    CredentialsExpiredError,
    CredentialsFrozenError,
    CredentialsMissingError,
    CredentialTamperedError,
    RoleRefusedError,
)

from .neighbours import FakeRuntime
from .runner_house import ACTOR, House, Puppet, open_house

pytestmark = pytest.mark.integration

REASON = Explanation(
    code="CREDENTIALS_MISSING",
    message="The provider is incomplete.",
    cause="The api_key was never given.",
    fix="Update the provider with api_key.",
    retryable=False,
)
INCOMPLETE = CredentialsMissingError(
    "Incomplete.", details={"explanation": REASON.model_dump(mode="json")}
)

NOT_READY = [
    INCOMPLETE,
    CredentialsExpiredError("Expired."),
    RoleRefusedError("Refused."),
    CredentialTamperedError("Changed."),
    CredentialsFrozenError("Frozen."),
]


async def _change(house: House, bus: NatsBus, trouble: AppError | None) -> None:
    """Change the provider, and tell."""
    house.credentials.trouble = trouble
    await bus.signal(
        PROVIDER_CHANGED,
        ProviderChanged(org_id=house.org_id, provider_id=house.provider_id),
    )


async def _waiting_agent(house: House, name: str = "ada", **fields: Any) -> UUID:
    """Start an agent whose provider is not ready."""
    house.credentials.trouble = house.credentials.trouble or INCOMPLETE
    agent = await house.make_agent(name, **fields)
    await house.bus.ask(START_AGENT, house.question(agent.id))
    await house.until(agent.id, AgentStatus.ACK_ONLY)
    return agent.id


async def _read(house: House, message_id: UUID) -> AgentMessage:
    return await house.bus.ask(
        GET_MESSAGE,
        MessageQuestion(org_id=house.org_id, actor=ACTOR, message_id=message_id),
    )


async def _acknowledged(house: House, agent_id: UUID, content: str) -> AgentMessage:
    """Send a message and wait until it is acknowledged."""
    accepted = await house.submit(agent_id, content)

    async def status() -> MessageStatus:
        return (await _read(house, accepted.message_id)).status

    await house.holds(status, MessageStatus.ACKNOWLEDGED)
    return await _read(house, accepted.message_id)


async def _answers(house: House, puppet: Puppet, agent_id: UUID) -> None:
    accepted = await house.submit(agent_id, "Hello?")
    await puppet.reply(await puppet.next(), "Hello!")
    assert (await _read(house, accepted.message_id)).content == "Hello!"


async def test_an_agent_without_credentials_acknowledges_without_a_process(
    house: House,
) -> None:
    agent_id = await _waiting_agent(house)

    message = await _acknowledged(house, agent_id, "Hello?")

    agent = await house.until(agent_id, AgentStatus.ACK_ONLY)
    assert agent.status_reason == REASON
    assert message.explanation == REASON
    assert message.content is None
    assert message.finished_at is not None
    assert house.runtime.launches == 0


async def test_it_goes_to_work_by_itself_once_the_provider_is_complete(
    house: House, credentials_bus: NatsBus
) -> None:
    agent_id = await _waiting_agent(house)
    await _acknowledged(house, agent_id, "Too early")

    await _change(house, credentials_bus, None)
    puppet = await house.launched()
    await puppet.speak()
    running = await house.until(agent_id, AgentStatus.RUNNING)

    assert running.status_reason is None
    await _answers(house, puppet, agent_id)


@pytest.mark.parametrize("error", NOT_READY, ids=lambda each: each.code)
async def test_whatever_an_operator_must_mend_is_explained(
    house: House, error: AppError
) -> None:
    house.credentials.trouble = error

    agent_id = await _waiting_agent(house)

    message = await _acknowledged(house, agent_id, "Hello?")
    assert message.explanation is not None
    assert message.explanation.code == error.code
    assert message.explanation.fix


async def test_many_messages_are_each_acknowledged_once_and_none_is_lost(
    house: House, credentials_bus: NatsBus
) -> None:
    agent_id = await _waiting_agent(house)
    early = [await house.submit(agent_id, f"Early {n}") for n in range(20)]
    await _acknowledged(house, agent_id, "The last early one")

    await _change(house, credentials_bus, None)
    puppet = await house.launched()
    late = await house.submit(agent_id, "Late")
    await puppet.speak()
    await puppet.reply(await puppet.next(), "Answered.")

    statuses = {(await _read(house, each.message_id)).status for each in early}
    assert statuses == {MessageStatus.ACKNOWLEDGED}
    assert (await _read(house, late.message_id)).content == "Answered."


@pytest.mark.parametrize("error", NOT_READY, ids=lambda each: each.code)
async def test_a_type_that_holds_has_its_messages_answered_once_the_provider_is_whole(
    house: House, credentials_bus: NatsBus, error: AppError
) -> None:
    house.credentials.trouble = error
    agent_id = await _waiting_agent(house, "holds", on_ack_only=OnAckOnly.HOLD)
    held = [await house.submit(agent_id, f"Held {n}") for n in range(3)]
    other_id = await _waiting_agent(house, "acknowledges")
    for _ in range(2):
        await _acknowledged(house, other_id, "A round of all agents has gone by")
    meanwhile = [(await _read(house, each.message_id)).status for each in held]

    await _change(house, credentials_bus, None)
    puppet = await house.launched_for(agent_id)
    await puppet.speak()
    for _ in held:
        message = await puppet.next()
        await puppet.reply(message, f"Answer to {message['content']}")

    assert meanwhile == [MessageStatus.QUEUED] * 3
    answers = [(await _read(house, each.message_id)).content for each in held]
    assert answers == [f"Answer to Held {n}" for n in range(3)]


@pytest.mark.parametrize("error", NOT_READY, ids=lambda each: each.code)
async def test_a_running_agent_that_holds_goes_on_with_what_waited(
    house: House, credentials_bus: NatsBus, error: AppError
) -> None:
    agent = await house.make_agent(on_ack_only=OnAckOnly.HOLD)
    puppet = await house.start(agent.id)
    await _change(house, credentials_bus, error)
    waiting = await house.until(agent.id, AgentStatus.ACK_ONLY)
    held = await house.submit(agent.id, "Held")
    nothing = await puppet.next(wait_seconds=0.2)

    await _change(house, credentials_bus, None)
    await house.until(agent.id, AgentStatus.RUNNING)
    await puppet.reply(await puppet.next(), "Answered.")

    assert waiting.status_reason is not None
    assert waiting.status_reason.code == error.code
    assert nothing is None
    assert (await _read(house, held.message_id)).content == "Answered."
    assert house.runtime.launches == 1


async def test_a_running_agent_is_left_alone_and_gets_nothing(
    house: House, credentials_bus: NatsBus
) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)

    await _change(house, credentials_bus, INCOMPLETE)
    await house.until(agent.id, AgentStatus.ACK_ONLY)
    message = await _acknowledged(house, agent.id, "Hello?")

    assert message.explanation == REASON
    assert await puppet.next(wait_seconds=0.2) is None
    assert house.runtime.launches == 1
    await _change(house, credentials_bus, None)
    await house.until(agent.id, AgentStatus.RUNNING)
    await _answers(house, puppet, agent.id)
    assert house.runtime.launches == 1


async def test_an_answer_that_is_under_way_still_counts(
    house: House, credentials_bus: NatsBus
) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)
    accepted = await house.submit(agent.id, "Take your time")
    message = await puppet.next()

    await _change(house, credentials_bus, INCOMPLETE)
    await house.until(agent.id, AgentStatus.ACK_ONLY)

    assert await puppet.reply(message, "Done.") == 204
    assert (await _read(house, accepted.message_id)).content == "Done."


async def test_no_message_goes_out_after_a_sessions_end(house: House) -> None:
    house.credentials.session_ends_at = datetime.now(UTC) + timedelta(hours=1)
    agent = await house.make_agent()
    puppet = await house.start(agent.id)
    hosted_end = datetime.now(UTC) - timedelta(seconds=1)
    house.credentials.session_ends_at = hosted_end
    await house.bus.ask(RESTART_AGENT, house.question(agent.id))
    puppet = await house.launched()
    await puppet.speak()
    await house.until(agent.id, AgentStatus.RUNNING)

    await house.submit(agent.id, "Hello?")

    assert await puppet.next(wait_seconds=0.5) is None


async def test_a_restart_of_a_waiting_agent_changes_nothing(house: House) -> None:
    agent_id = await _waiting_agent(house)

    await house.bus.ask(RESTART_AGENT, house.question(agent_id))
    message = await _acknowledged(house, agent_id, "Hello?")

    assert message.explanation == REASON
    assert house.runtime.launches == 0


async def test_a_waiting_agent_can_be_stopped_and_deleted(house: House) -> None:
    agent_id = await _waiting_agent(house)

    await house.bus.ask(STOP_AGENT, house.question(agent_id))
    await house.until(agent_id, AgentStatus.STOPPED)
    await house.bus.ask(DELETE_AGENT, house.question(agent_id))

    assert house.credentials.uses[agent_id] == set()


async def test_it_waits_on_after_a_restart_of_its_runner(
    stack: Stack, bus_as: BusAs, credentials_bus: NatsBus
) -> None:
    async with open_house(stack, bus_as, FakeRuntime()) as before:
        agent_id = await _waiting_agent(before)

    async with open_house(stack, bus_as, FakeRuntime()) as after:
        after.org_id = before.org_id
        after.credentials.secrets |= before.credentials.secrets
        after.credentials.generations |= before.credentials.generations
        after.credentials.trouble = INCOMPLETE
        message = await _acknowledged(after, agent_id, "Hello?")
        await _change(after, credentials_bus, None)
        puppet = await after.launched()
        await puppet.speak()
        await after.until(agent_id, AgentStatus.RUNNING)

        assert message.explanation == REASON
