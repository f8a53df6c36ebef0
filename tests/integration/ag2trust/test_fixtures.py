"""The real servers of the tests keep production's promises."""

from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from ag2trust.testing import BusAs, Stack
from shared.bus import answer, answer_ping
from shared.contracts import agent_runner, credentials
from shared.contracts.base import Empty, Service
from shared.database import connect_database
from shared.errors import UnavailableError

pytestmark = pytest.mark.integration


async def test_a_service_reads_and_writes_what_its_owner_made(stack: Stack) -> None:
    owner = await stack.connect("metrics_owner")
    await owner.execute("CREATE TABLE thing (name text)")
    await owner.close()

    async with (
        connect_database(stack.database_settings(Service.METRICS)) as database,
        database.sweep() as connection,
    ):
        await connection.execute("INSERT INTO thing (name) VALUES ('one')")
        name = await connection.fetchval("SELECT name FROM thing")

    assert name == "one"


async def test_no_service_enters_the_schema_of_another(stack: Stack) -> None:
    owner = await stack.connect("credentials_owner")
    await owner.execute("CREATE TABLE secret (value text)")
    await owner.close()
    gateway = await stack.connect("gateway")

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await gateway.fetch("SELECT value FROM credentials.secret")

    await gateway.close()


async def test_a_service_makes_no_table(stack: Stack) -> None:
    gateway = await stack.connect("gateway")

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await gateway.execute("CREATE TABLE gateway.mine (name text)")

    await gateway.close()


async def test_a_question_is_answered_across_two_logins(bus_as: BusAs) -> None:
    async with (
        bus_as(Service.CREDENTIALS) as credentials_bus,
        bus_as(Service.GATEWAY) as gateway_bus,
        credentials_bus.serving(
            Service.CREDENTIALS, answer(credentials.PING, answer_ping)
        ),
    ):
        assert await gateway_bus.ask(credentials.PING, Empty()) == Empty()


async def test_a_login_that_may_not_ask_gets_no_answer(bus_as: BusAs) -> None:
    impatient = replace(agent_runner.PING, deadline=timedelta(seconds=0.5))
    async with (
        bus_as(Service.AGENT_RUNNER) as runner_bus,
        bus_as(Service.METRICS) as metrics_bus,
        runner_bus.serving(
            Service.AGENT_RUNNER, answer(agent_runner.PING, answer_ping)
        ),
    ):
        with pytest.raises(UnavailableError):
            await metrics_bus.ask(impatient, Empty())
