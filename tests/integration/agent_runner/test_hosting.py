from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import pytest

from ag2trust.testing import BusAs, Stack
from agent_runner.runtimes.errors import EngineUnavailableError, LaunchFailedError
from agent_runner.settings import Settings
from shared.contracts.agent_runner import (
    DELETE_AGENT,
    GET_AGENT,
    RESTART_AGENT,
    START_AGENT,
    STOP_AGENT,
    AgentStatus,
    DesiredState,
)
from shared.contracts.base import Service
from shared.contracts.conversations import GET_MESSAGE, MessageQuestion, MessageStatus
from shared.database import connect_database
from shared.errors import (
    AgentNotFoundError,
    AgentNotRunningError,
    ProviderGoneError,
    UnavailableError,
)
from shared.ids import new_id

from .neighbours import FakeRuntime
from .runner_house import (
    ACTOR,
    BRISK,
    House,
    open_house,
    open_neighbourhood,
    running,
)

pytestmark = pytest.mark.integration


@pytest.fixture
async def brisk(stack: Stack, bus_as: BusAs) -> AsyncIterator[House]:
    async with open_house(stack, bus_as, FakeRuntime(), rhythm=BRISK) as opened:
        yield opened


async def status_of(house: House, message_id: UUID) -> MessageStatus:
    question = MessageQuestion(org_id=house.org_id, actor=ACTOR, message_id=message_id)
    return (await house.bus.ask(GET_MESSAGE, question)).status


async def test_an_agent_runs_once_it_has_spoken(house: House) -> None:
    agent = await house.make_agent()
    await house.bus.ask(START_AGENT, house.question(agent.id))
    puppet = await house.launched()

    starting = await house.bus.ask(GET_AGENT, house.question(agent.id))
    await puppet.speak()
    running = await house.until(agent.id, AgentStatus.RUNNING)

    assert starting.status is AgentStatus.STARTING
    assert running.started_at is not None
    assert running.runner == "runner-1"


async def test_its_process_is_told_the_key_and_the_token(house: House) -> None:
    agent = await house.make_agent()

    puppet = await house.start(agent.id)

    environment = puppet.launch.environment
    assert environment["OPENAI_API_KEY"] == "sk-of-a-test-1234"
    assert environment["AG2TRUST_AGENT_TOKEN"] in environment["OPENAI_BASE_URL"]
    assert {environment["OPENAI_API_KEY"], environment["AG2TRUST_AGENT_TOKEN"]} == set(
        puppet.launch.secrets
    )


async def test_starting_twice_launches_once(house: House) -> None:
    agent = await house.make_agent()
    await house.start(agent.id)

    again = await house.bus.ask(START_AGENT, house.question(agent.id))

    assert again.status is AgentStatus.RUNNING
    assert house.runtime.launches == 1


async def test_a_start_without_its_provider_is_refused_and_changes_nothing(
    house: House,
) -> None:
    agent = await house.make_agent()
    house.credentials.secrets.clear()

    with pytest.raises(ProviderGoneError):
        await house.bus.ask(START_AGENT, house.question(agent.id))

    after = await house.bus.ask(GET_AGENT, house.question(agent.id))
    assert after.desired_state is DesiredState.STOPPED
    assert house.runtime.launches == 0


async def test_a_stopped_agent_holds_no_use_and_its_token_is_dead(house: House) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)
    assert house.credentials.uses[agent.id] == {house.provider_id}

    await house.bus.ask(STOP_AGENT, house.question(agent.id))
    stopped = await house.until(agent.id, AgentStatus.STOPPED)

    assert stopped.runner is None
    assert house.credentials.uses[agent.id] == set()
    assert (await puppet.get("configuration"))[0] == 401


async def test_a_restart_is_a_new_process_with_a_new_token(house: House) -> None:
    agent = await house.make_agent()
    first = await house.start(agent.id)

    await house.bus.ask(RESTART_AGENT, house.question(agent.id))
    second = await house.launched()
    await second.speak()
    await house.until(agent.id, AgentStatus.RUNNING)

    assert (await first.get("configuration"))[0] == 401
    assert first.launch.secrets != second.launch.secrets


async def test_an_agent_that_dies_is_started_again_with_the_reason_told(
    house: House,
) -> None:
    agent = await house.make_agent()
    await house.start(agent.id)

    await house.runtime.die(agent.id)
    told = await house.until(agent.id, AgentStatus.STARTING)
    reborn = await house.launched()
    await reborn.speak()
    running = await house.until(agent.id, AgentStatus.RUNNING)

    assert told.status_reason is not None
    assert told.status_reason.code == "AGENT_EXITED"
    assert "Traceback" in told.status_reason.message
    assert running.status_reason is None


async def test_a_launch_that_fails_is_explained_and_tried_again(house: House) -> None:
    agent = await house.make_agent()
    house.runtime.failure = LaunchFailedError("The image has no shell.")
    await house.bus.ask(START_AGENT, house.question(agent.id))

    async def explained() -> str:
        found = await house.bus.ask(GET_AGENT, house.question(agent.id))
        return found.status_reason.code if found.status_reason else ""

    await house.holds(explained, "LAUNCH_FAILED")
    house.runtime.failure = None
    puppet = await house.launched()
    await puppet.speak()

    await house.until(agent.id, AgentStatus.RUNNING)


async def test_what_a_dead_runner_left_is_ended_and_its_agents_come_back(
    stack: Stack, bus_as: BusAs
) -> None:
    runtime = FakeRuntime()
    async with open_house(stack, bus_as, runtime) as before:
        agent = await before.make_agent()
        await before.start(agent.id)
        left = dict(runtime.launched)
        message = await before.submit(agent.id, "Still there?")
    runtime.launched |= left

    async with open_house(stack, bus_as, runtime) as after:
        after.org_id = before.org_id
        after.credentials.secrets |= before.credentials.secrets
        after.credentials.generations |= before.credentials.generations
        puppet = await after.launched()
        await puppet.speak()
        await after.until(agent.id, AgentStatus.RUNNING)
        asked = await puppet.next()

        assert asked["message_id"] == str(message.message_id)
        assert runtime.launched[agent.id].secrets != left[agent.id].secrets


async def test_an_agent_that_keeps_dying_ends_in_error_with_its_last_words(
    brisk: House,
) -> None:
    agent = await brisk.make_agent()
    await brisk.start(agent.id)
    await brisk.runtime.die(agent.id)
    for _ in range(4):
        await brisk.launched()
        await brisk.runtime.die(agent.id)

    failed = await brisk.until(agent.id, AgentStatus.ERROR)
    launches = brisk.runtime.launches
    await brisk.bus.ask(RESTART_AGENT, brisk.question(agent.id))
    await (await brisk.launched()).speak()
    restarted = await brisk.until(agent.id, AgentStatus.RUNNING)

    assert failed.status_reason
    assert failed.status_reason.code == "AGENT_EXITED"
    assert "Traceback" in failed.status_reason.message
    assert failed.desired_state is DesiredState.RUNNING
    assert launches == 5
    assert restarted.status_reason is None


async def test_a_hopeless_agent_stays_so_when_its_runner_restarts(
    stack: Stack, bus_as: BusAs
) -> None:
    runtime = FakeRuntime()
    async with open_neighbourhood(stack, bus_as, runtime) as house:
        async with running(stack, runtime):
            agent = await house.make_agent("ada")
            other = await house.make_agent("bob")
            await house.start(agent.id)
        await give_up(stack, agent.id)
        async with running(stack, runtime):
            await house.start(other.id)
            after = await house.bus.ask(GET_AGENT, house.question(agent.id))

    assert after.status is AgentStatus.ERROR
    assert after.desired_state is DesiredState.RUNNING


async def give_up(stack: Stack, agent_id: UUID) -> None:
    """Write what a runner does after several failed launches."""
    async with (
        connect_database(stack.settings(Settings, Service.AGENT_RUNNER)) as database,
        database.sweep() as transaction,
    ):
        await transaction.execute(
            "UPDATE agent SET status = 'error' WHERE id = $1", agent_id
        )


async def test_a_restarted_runner_calls_nothing_running_that_does_not_run(
    stack: Stack, bus_as: BusAs
) -> None:
    runtime = FakeRuntime()
    async with open_neighbourhood(stack, bus_as, runtime) as house:
        async with running(stack, runtime):
            agent = await house.make_agent()
            await house.start(agent.id)
        async with running(stack, runtime):
            silent = await house.launched()
            before = await house.bus.ask(GET_AGENT, house.question(agent.id))
            await silent.speak()
            await house.until(agent.id, AgentStatus.RUNNING)

    assert before.status is AgentStatus.STARTING


async def test_what_runs_of_an_agent_that_nobody_hosts_is_ended(brisk: House) -> None:
    agent = await brisk.make_agent()
    puppet = await brisk.start(agent.id)
    stray = replace(puppet.launch, agent_id=new_id())

    brisk.runtime.launched[stray.agent_id] = stray

    async def placed() -> set[UUID]:
        return set(brisk.runtime.launched)

    await brisk.holds(placed, {agent.id})


async def test_what_is_left_of_an_agent_does_not_keep_it_from_being_launched(
    stack: Stack, bus_as: BusAs
) -> None:
    runtime = FakeRuntime()
    async with open_neighbourhood(stack, bus_as, runtime) as house:
        async with running(stack, runtime):
            agent = await house.make_agent()
            left = (await house.start(agent.id)).launch
        runtime.launched[agent.id] = left
        runtime.trouble = EngineUnavailableError("Docker does not answer.")
        async with running(stack, runtime, rhythm=BRISK):

            async def reason() -> str:
                found = await house.bus.ask(GET_AGENT, house.question(agent.id))
                return found.status_reason.code if found.status_reason else ""

            await house.holds(reason, "ENGINE_UNAVAILABLE")
            runtime.trouble = None
            await (await house.launched()).speak()
            await house.until(agent.id, AgentStatus.RUNNING)
            now = runtime.launched[agent.id]

    assert now.secrets != left.secrets


async def test_a_launch_that_neither_succeeds_nor_can_be_cleared_is_tried_again(
    house: House,
) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)

    house.runtime.trouble = EngineUnavailableError("Docker does not answer.")
    await house.runtime.die(agent.id)
    await house.bus.ask(RESTART_AGENT, house.question(agent.id))
    house.runtime.trouble = None
    again = await house.launched()
    await again.speak()

    await house.until(agent.id, AgentStatus.RUNNING)
    assert again.launch.secrets != puppet.launch.secrets


async def test_deleting_stops_first_and_cancels_what_waits(house: House) -> None:
    agent = await house.make_agent()
    await house.start(agent.id)
    waiting = await house.submit(agent.id, "Too late?")

    await house.bus.ask(DELETE_AGENT, house.question(agent.id))

    with pytest.raises(AgentNotFoundError):
        await house.bus.ask(GET_AGENT, house.question(agent.id))
    assert house.credentials.uses[agent.id] == set()
    assert await status_of(house, waiting.message_id) is MessageStatus.CANCELLED


async def test_a_stopped_agent_takes_no_message(house: House) -> None:
    agent = await house.make_agent()

    with pytest.raises(AgentNotRunningError):
        await house.submit(agent.id, "Hello?")


async def test_without_credentials_a_start_is_refused_for_now(
    stack: Stack, bus_as: BusAs
) -> None:
    async with open_house(stack, bus_as, FakeRuntime()) as house:
        agent = await house.make_agent()
        house.credentials.refuse_claims = True

        with pytest.raises(UnavailableError):
            await house.bus.ask(START_AGENT, house.question(agent.id))


async def test_every_act_is_noted_with_who_did_it(house: House, stack: Stack) -> None:
    agent = await house.make_agent()
    await house.start(agent.id)
    await house.bus.ask(STOP_AGENT, house.question(agent.id))
    connection = await stack.connect()

    rows = await connection.fetch(
        """
        SELECT act, object_kind, actor_kind, actor_id
        FROM agent_runner.audit
        ORDER BY id
        """
    )

    await connection.close()
    acts = [row["act"] for row in rows]
    assert acts == [
        "agent_type.created",
        "agent.created",
        "agent.started",
        "agent.stopped",
    ]
    assert {row["object_kind"] for row in rows} == {"agent_type", "agent"}
    assert {(row["actor_kind"], row["actor_id"]) for row in rows} == {("user", "ada")}
