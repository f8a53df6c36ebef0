"""Beginning and ceasing to answer: nothing that was heard is lost."""

import asyncio

import nats
import nats.errors
import pytest

from ag2trust.testing import Servers, identity_of
from ag2trust.waiting import until
from shared.bus import NatsBus, answer
from shared.contracts.base import Service
from shared.errors import UnavailableError

from .questions import ECHO, Words, echo, forever

pytestmark = pytest.mark.integration


async def test_leaving_stops_hearing_then_finishes_what_was_heard(
    gateway: NatsBus, metrics: NatsBus
) -> None:
    has_begun, may_finish = asyncio.Event(), asyncio.Event()

    async def wait(words: Words) -> Words:
        has_begun.set()
        await may_finish.wait()
        return words

    leave = asyncio.Event()

    async def serve() -> None:
        async with metrics.serving(Service.METRICS, answer(ECHO, wait)):
            await leave.wait()

    async with asyncio.TaskGroup() as group:
        serving = group.create_task(serve())
        asked = group.create_task(_asked_until_answered(gateway, has_begun))
        await has_begun.wait()
        leave.set()
        await _until_nobody_answers(gateway)
        assert not serving.done()
        may_finish.set()

    assert (await asked).text == "first"


async def _asked_until_answered(bus: NatsBus, has_begun: asyncio.Event) -> Words:
    """Ask as soon as somebody is there."""
    while True:
        try:
            return await bus.ask(ECHO, Words(text="first"))
        except UnavailableError:
            assert not has_begun.is_set()


async def _until_nobody_answers(bus: NatsBus) -> None:
    async def nobody_answers() -> bool:
        try:
            await bus._client.request(ECHO.subject, b"{}", 0.05)
        except nats.errors.NoRespondersError:
            return True
        return False

    await until("nobody", nobody_answers, not_yet=nats.errors.TimeoutError)


async def test_questions_that_wait_for_a_free_place_are_answered_on_leaving(
    gateway: NatsBus, metrics: NatsBus
) -> None:
    places_are_taken, may_finish = asyncio.Barrier(201), asyncio.Event()

    async def wait(words: Words) -> Words:
        if not may_finish.is_set():
            await places_are_taken.wait()
            await may_finish.wait()
        return words

    async def finish_once_leaving() -> None:
        await _until_nobody_answers(gateway)
        may_finish.set()

    async with (
        asyncio.TaskGroup() as group,
        metrics.serving(Service.METRICS, answer(ECHO, wait)),
    ):
        asked = [group.create_task(gateway.ask(ECHO, Words())) for _ in range(260)]
        await places_are_taken.wait()
        group.create_task(finish_once_leaving())

    assert all(task.result() == Words() for task in asked)


async def test_serving_means_that_questions_arrive(
    gateway: NatsBus, metrics: NatsBus
) -> None:
    for _ in range(200):
        async with metrics.serving(Service.METRICS, answer(ECHO, echo)):
            await gateway._client.request(ECHO.subject, b"{}", timeout=20)


async def test_becoming_ready_can_be_given_up_at_any_point(
    gateway: NatsBus, metrics: NatsBus
) -> None:
    async def serve() -> None:
        async with metrics.serving(Service.METRICS, answer(ECHO, echo)):
            await forever()

    for ticks in range(100):
        serving = asyncio.create_task(serve())
        for _ in range(ticks % 20):
            await asyncio.sleep(0)
        serving.cancel()
        await asyncio.wait([serving])

    async with metrics.serving(Service.METRICS, answer(ECHO, echo)):
        await gateway._client.request(ECHO.subject, b"{}", timeout=20)


async def test_nats_own_client_goes_deaf_when_a_flush_is_given_up(
    servers: Servers,
) -> None:
    """The trap that our client avoids; once this fails, `_process_pong` may go."""
    went_deaf = asyncio.Event()

    async def tell(_: Exception) -> None:
        went_deaf.set()

    client = await nats.connect(
        servers.nats_url,
        nkeys_seed_str=identity_of(Service.GATEWAY).nkey_seed,
        inbox_prefix=Service.GATEWAY.inbox_prefix,
        error_cb=tell,
    )
    try:
        flushing = asyncio.create_task(client.flush())
        await asyncio.sleep(0)
        flushing.cancel()
        await asyncio.wait([flushing])

        assert client._reading_task is not None
        async with asyncio.timeout(20):
            await client._reading_task
        assert client.is_connected
    finally:
        await client.close()
