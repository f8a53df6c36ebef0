"""The bus through the loss of its server, and of the path to it."""

import asyncio
import json
import os
import signal
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    suppress,
)
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest
import pytest_asyncio
import uvloop

from ag2trust.child import Child
from ag2trust.nats_server import NatsServer, running_nats
from ag2trust.ports import free_port
from ag2trust.testing import Servers, identity_of
from ag2trust.waiting import until
from shared.bus import BusClosedError, NatsBus, answer, connect_bus
from shared.contracts.base import Actor, Service, Signed
from shared.contracts.conversations import MESSAGE_FINISHED, MessageFinished
from shared.errors import UnavailableError
from shared.ids import new_id
from shared.signing import SignatureBrokenError, signed_bytes, verify

from .outcomes import Outcomes, trying
from .questions import ECHO, Words, deadline_of, echo, size_limit
from .relay import Relay, relaying

pytestmark = pytest.mark.integration

HASTY = deadline_of(0.4)


@pytest.fixture
def server(tmp_path: Path) -> NatsServer:
    """Describe a server of the test's own, which it may kill."""
    return NatsServer(
        tmp_path / "nats",
        log=tmp_path / "nats.log",
        port=free_port(),
        logins={identity_of(each).public.nkey: each for each in Service},
    )


@pytest_asyncio.fixture
async def relay(servers: Servers) -> AsyncIterator[Relay]:
    async with relaying(servers.nats_url) as relay:
        yield relay


def _bus(url: str, service: Service) -> AbstractAsyncContextManager[NatsBus]:
    return connect_bus(url, service=service, identity=identity_of(service))


async def _until_answered(bus: NatsBus, *, seconds: float) -> None:
    await until(
        "an answer",
        lambda: bus.ask(HASTY, Words()),
        seconds=seconds,
        not_yet=UnavailableError,
    )


async def _until_disconnected(bus: NatsBus, *, seconds: float) -> None:
    async def is_disconnected() -> bool:
        with suppress(UnavailableError):
            await bus.ask(HASTY, Words())
        return not bus.is_connected

    await until("no connection", is_disconnected, seconds=seconds)


async def test_a_server_that_dies_and_returns_costs_only_unavailable_questions(
    server: NatsServer,
) -> None:
    outcomes = Outcomes()
    heard: asyncio.Queue[MessageFinished] = asyncio.Queue()
    finished = MessageFinished(message_id=new_id())

    async with AsyncExitStack() as stack:
        child: Child = await stack.enter_async_context(running_nats(server))
        gateway, metrics, runner = [
            await stack.enter_async_context(_bus(server.url, each))
            for each in (Service.GATEWAY, Service.METRICS, Service.AGENT_RUNNER)
        ]
        await stack.enter_async_context(
            metrics.serving(Service.METRICS, answer(ECHO, echo))
        )
        await stack.enter_async_context(
            gateway.hearing(MESSAGE_FINISHED, heard.put_nowait)
        )

        async with trying(lambda: gateway.ask(HASTY, Words()), outcomes):
            await outcomes.more(None, seconds=20)
            os.kill(child.pid, signal.SIGKILL)
            await child.ended()
            await outcomes.more(UnavailableError, seconds=20)
            assert not gateway.is_connected
            await stack.enter_async_context(running_nats(server))
            await outcomes.more(None, seconds=20)

        await until("a connection", lambda: runner.is_connected)
        await runner.signal(MESSAGE_FINISHED, finished, key="x")
        async with asyncio.timeout(20):
            assert await heard.get() == finished
        assert set(outcomes.counts) == {None, UnavailableError}
        assert not gateway._client._resp_map


@pytest.mark.parametrize("loop", [asyncio, uvloop], ids=["asyncio", "uvloop"])
def test_a_path_that_is_lost_in_the_moment_of_leaving_is_left_quietly(
    servers: Servers, loop: ModuleType
) -> None:
    """The runner's event loop is uvloop, which refuses to write to a lost path."""

    async def leave() -> None:
        async with (
            _bus(servers.nats_url, Service.GATEWAY) as gateway,
            gateway.hearing(MESSAGE_FINISHED, lambda _: None),
        ):
            path = gateway._client._transport
            path._io_writer.transport.abort()  # type: ignore[union-attr]

    with asyncio.Runner(loop_factory=loop.new_event_loop) as runner:
        runner.run(leave())


async def test_a_server_that_stands_still_is_noticed_and_used_again(
    server: NatsServer,
) -> None:
    async with (
        running_nats(server) as child,
        _bus(server.url, Service.GATEWAY) as gateway,
        _bus(server.url, Service.METRICS) as metrics,
        metrics.serving(Service.METRICS, answer(ECHO, echo)),
    ):
        os.kill(child.pid, signal.SIGSTOP)
        try:
            await until(
                "a stop of all threads",
                lambda: _states_of_threads(child.pid),
                lambda states: states == {"T"},
            )
            with pytest.raises(UnavailableError):
                await gateway.ask(HASTY, Words())
            await _until_disconnected(gateway, seconds=20)
        finally:
            os.kill(child.pid, signal.SIGCONT)

        await _until_answered(gateway, seconds=20)


def _states_of_threads(pid: int) -> set[str]:
    """Return what proc(5) calls the states of a process's threads; T is stopped."""
    threads = Path(f"/proc/{pid}/task").glob("*/stat")
    return {each.read_text().rpartition(")")[2].split()[0] for each in threads}


async def test_a_path_that_swallows_everything_is_left_for_a_new_one(
    relay: Relay, servers: Servers
) -> None:
    async with (
        _bus(servers.nats_url, Service.METRICS) as metrics,
        metrics.serving(Service.METRICS, answer(ECHO, echo)),
        _bus(relay.url, Service.GATEWAY) as gateway,
    ):
        large = Words(text="x" * size_limit(gateway))
        await gateway.ask(ECHO, Words())
        relay.fall_silent()

        lost = await asyncio.gather(
            *(gateway.ask(HASTY, large) for _ in range(20)), return_exceptions=True
        )

        assert {type(each) for each in lost} == {UnavailableError}
        await _until_answered(gateway, seconds=12)


async def test_leaving_a_path_that_swallows_everything_takes_no_longer_than_a_moment(
    relay: Relay, servers: Servers
) -> None:
    async with (
        _bus(servers.nats_url, Service.METRICS) as metrics,
        metrics.serving(Service.METRICS, answer(ECHO, echo)),
        asyncio.timeout(5),
        _bus(relay.url, Service.GATEWAY) as gateway,
    ):
        large = Words(text="x" * size_limit(gateway))
        relay.fall_silent()
        await asyncio.gather(
            *(gateway.ask(HASTY, large) for _ in range(20)), return_exceptions=True
        )


async def test_leaving_while_nobody_is_there_leaves_nothing_running(
    servers: Servers,
) -> None:
    have_come, is_gone = asyncio.Barrier(51), asyncio.Event()

    async def come_and_go(relay: Relay, ticks: int) -> None:
        async with _bus(relay.url, Service.GATEWAY):
            await have_come.wait()
            await is_gone.wait()
            for _ in range(ticks):
                await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        async with relaying(servers.nats_url) as relay:
            for ticks in range(50):
                group.create_task(come_and_go(relay, ticks))
            await have_come.wait()
        is_gone.set()

    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_connecting_in_vain_can_be_given_up_at_any_point() -> None:
    url = f"nats://127.0.0.1:{free_port()}"

    async def try_to_come(ticks: int) -> None:
        trying = asyncio.create_task(_log_in(url))
        for _ in range(ticks):
            await asyncio.sleep(0)
        trying.cancel()
        await asyncio.wait([trying])
        assert trying.cancelled()

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        for ticks in range(100):
            group.create_task(try_to_come(ticks))

    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_client_that_gave_up_for_good_says_so(relay: Relay) -> None:
    async with _bus(relay.url, Service.GATEWAY) as gateway:
        watching = asyncio.create_task(gateway.until_closed())
        relay.say(b"-ERR 'User Authentication Revoked'\r\n")

        with pytest.raises(BusClosedError):
            async with asyncio.timeout(20):
                await watching
        with pytest.raises(UnavailableError):
            await gateway.ask(ECHO, Words())


async def test_a_refusal_of_one_subject_is_no_reason_to_give_up(
    relay: Relay, servers: Servers
) -> None:
    async with (
        _bus(servers.nats_url, Service.METRICS) as metrics,
        metrics.serving(Service.METRICS, answer(ECHO, echo)),
        _bus(relay.url, Service.GATEWAY) as gateway,
    ):
        relay.say(b"-ERR 'Permissions Violation for Publish to \"x\"'\r\n")

        assert await gateway.ask(ECHO, Words(text="on")) == Words(text="on")


async def test_without_a_server_connecting_fails_in_one_sentence_and_no_password() -> (
    None
):
    place = f"127.0.0.1:{free_port()}"

    with pytest.raises(UnavailableError) as caught:
        async with connect_bus(
            f"nats://user:sk-canary@{place}",
            service=Service.METRICS,
            identity=identity_of(Service.METRICS),
            within=timedelta(seconds=0.3),
        ):
            pass

    assert caught.value.message == f"NATS cannot be reached at nats://{place}."


@pytest.mark.parametrize("url", ["", "nats://", "nats://:::", "nats://127.0.0.1:99999"])
async def test_what_is_no_address_fails_in_one_sentence(url: str) -> None:
    with pytest.raises(UnavailableError, match="NATS cannot be reached at"):
        async with connect_bus(
            url,
            service=Service.METRICS,
            identity=identity_of(Service.METRICS),
            within=timedelta(seconds=5),
        ):
            pass


async def test_a_server_cannot_have_its_own_words_signed_by_who_logs_in() -> None:
    """The nonce of a login is chosen by the server and signed as it comes."""
    runner = identity_of(Service.AGENT_RUNNER)
    forged = Actor(kind="service", id="attacker").model_dump_json().encode()
    wanted = signed_bytes("credentials.v1.lease", forged)

    as_text, as_latin, beheaded = [
        await _signature_over(nonce)
        for nonce in (
            wanted.decode(errors="replace"),
            wanted.decode("latin-1"),
            wanted[1:].decode(),
        )
    ]

    for signature in (as_text, as_latin, beheaded):
        stolen = Signed(signer=runner.public.nkey, body=forged, signature=signature)
        with pytest.raises(SignatureBrokenError):
            verify(stolen, Actor, purpose="credentials.v1.lease", of=runner.public)
    assert runner.public.verifies(beheaded, wanted[1:])  # what the first byte is for


async def _signature_over(nonce: str) -> bytes:
    """Return what a runner's login signs when a server asks for *nonce*."""
    signed: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        info = {"server_id": "x", "version": "2.10.0", "auth_required": True}
        writer.write(b"INFO " + json.dumps(info | {"nonce": nonce}).encode() + b"\r\n")
        line = await reader.readline()
        if not signed.done():
            signed.set_result(json.loads(line.removeprefix(b"CONNECT "))["sig"])
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, asyncio.timeout(20):
        logging_in = asyncio.create_task(_log_in(f"nats://127.0.0.1:{port}"))
        signature = await signed
        logging_in.cancel()
        await asyncio.wait([logging_in])
    return b64decode(signature)


async def _log_in(url: str) -> None:
    async with _bus(url, Service.AGENT_RUNNER):
        pass
