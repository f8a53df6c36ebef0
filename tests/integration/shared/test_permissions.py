"""What each identity may say and hear on a real server: what the contracts say."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
import pytest_asyncio

from ag2trust.testing import BusAs, Servers
from shared.bus import NatsBus, answer, connect_bus
from shared.contracts import permissions
from shared.contracts.base import Endpoint, Service, Signal, Topic
from shared.errors import UnavailableError
from shared.identity import Identity

from .questions import ECHO, Words, deadline_of, echo

pytestmark = pytest.mark.integration

ORG = "01a20000-0000-7000-8000-000000000000"

CONTRACTS = [
    value for module in permissions._MODULES for value in vars(module).values()
]
ENDPOINTS = [each for each in CONTRACTS if isinstance(each, Endpoint)]
SIGNALS = [each for each in CONTRACTS if isinstance(each, Signal)]
TOPICS = [each for each in CONTRACTS if isinstance(each, Topic)]

EVENTS_API = {f"$JS.API.STREAM.{verb}.EVENTS" for verb in ("CREATE", "INFO", "UPDATE")}
NOBODYS = [
    *(f"$JS.API.STREAM.{verb}.EVENTS" for verb in ("DELETE", "PURGE", "MSG.GET")),
    *("$JS.API.STREAM.CREATE.OTHER", "$JS.API.STREAM.NAMES", "$JS.API.INFO"),
    *("$JS.API.CONSUMER.CREATE.EVENTS", "$JS.API.CONSUMER.DURABLE.CREATE.EVENTS.x"),
    *("$JS.API.STREAM.SNAPSHOT.EVENTS", "$JS.API.STREAM.RESTORE.EVENTS"),
    *("$JS.ACK.EVENTS.x", "$SRV.PING", "$SYS.REQ.SERVER.PING", "$KV.x.y"),
    *("unnamed", "credentials.v1.unnamed", f"ag2trust.v1.events.{ORG}.unnamed.said"),
]


@pytest_asyncio.fixture(params=Service, ids=str)
async def service(request: pytest.FixtureRequest) -> Service:
    return Service(request.param)


@pytest_asyncio.fixture
async def bus(bus_as: BusAs, service: Service) -> AsyncIterator[NatsBus]:
    async with bus_as(service) as bus:
        yield bus


async def _may_publish(bus: NatsBus, subject: str) -> bool:
    await bus._client.publish(subject, b"not json")
    return not await _was_refused(bus, subject)


async def _may_subscribe(bus: NatsBus, subject: str, queue: str = "") -> bool:
    async def ignore(_: object) -> None:
        """Hear it, that is all."""

    subscription = await bus._client.subscribe(subject, queue, cb=ignore)
    is_refused = await _was_refused(bus, subject)
    await subscription.unsubscribe()
    return not is_refused


async def _was_refused(bus: NatsBus, subject: str) -> bool:
    """Tell whether the server's last complaint is about *subject*."""
    await bus._settled()
    complaint = str(bus._client.last_error).lower()
    return "permissions violation" in complaint and f'"{subject.lower()}"' in complaint


async def test_each_service_may_ask_what_the_contracts_let_it_ask(
    bus: NatsBus, service: Service
) -> None:
    may = {each.subject for each in ENDPOINTS if await _may_publish(bus, each.subject)}

    assert may == {each.subject for each in ENDPOINTS if service in each.askers}


async def test_each_service_may_answer_its_own_questions_alone(
    bus: NatsBus, service: Service
) -> None:
    may = {
        each.subject
        for each in ENDPOINTS
        if await _may_subscribe(bus, each.subject, queue=service)
    }

    assert may == {
        each.subject for each in ENDPOINTS if each.subject.startswith(f"{service}.")
    }


async def test_each_service_may_send_its_own_signals_alone(
    bus: NatsBus, service: Service
) -> None:
    may = {each.subject for each in SIGNALS if await _may_publish(bus, each.of("x"))}

    assert may == {each.subject for each in SIGNALS if service is each.sender}


async def test_each_service_may_hear_the_signals_meant_for_it_alone(
    bus: NatsBus, service: Service
) -> None:
    may = {each.subject for each in SIGNALS if await _may_subscribe(bus, each.of("*"))}

    assert may == {each.subject for each in SIGNALS if service in each.hearers}


async def test_only_the_publisher_of_an_event_may_publish_it(
    bus: NatsBus, service: Service
) -> None:
    subjects = {each.subject(ORG): each.publisher for each in TOPICS}

    may = {subject for subject in subjects if await _may_publish(bus, subject)}

    assert may == {each for each, publisher in subjects.items() if publisher is service}


async def test_nobody_but_metrics_reaches_the_event_stream(
    bus: NatsBus, service: Service
) -> None:
    may = {each for each in EVENTS_API if await _may_publish(bus, each)}

    assert may == (EVENTS_API if service is Service.METRICS else set())


async def test_of_all_that_may_read_events_metrics_has_one_consumer_alone(
    bus: NatsBus, service: Service
) -> None:
    own = [
        "$JS.API.CONSUMER.CREATE.EVENTS.webhooks",
        "$JS.API.CONSUMER.MSG.NEXT.EVENTS.webhooks",
        "$JS.ACK.EVENTS.webhooks.1.1.1.1.1",
    ]
    others = [
        "$JS.API.CONSUMER.CREATE.EVENTS.other",
        "$JS.API.CONSUMER.CREATE.EVENTS.webhooks.ag2trust.v1.events.>",
        "$JS.API.CONSUMER.DELETE.EVENTS.webhooks",
        "$JS.API.CONSUMER.MSG.NEXT.EVENTS.other",
        "$JS.ACK.EVENTS.other.1.1.1.1.1",
    ]

    may = [each for each in (*own, *others) if await _may_publish(bus, each)]

    if service is Service.METRICS:
        assert may == own
    elif service is not Service.GATEWAY:
        assert may == []


async def test_nobody_reaches_what_no_contract_names(bus: NatsBus) -> None:
    assert [each for each in NOBODYS if await _may_publish(bus, each)] == []


async def test_nobody_hears_more_than_its_own(bus: NatsBus, service: Service) -> None:
    inboxes = [f"_INBOX_{each}.>" for each in Service if each is not service]
    greedy = [">", "*", "_INBOX.>", "*.>", "$SYS.>", "$JS.>", "ag2trust.v1.events.>"]
    heads = [f"{each}.v1.>" for each in Service]

    may = [
        each for each in (*inboxes, *greedy, *heads) if await _may_subscribe(bus, each)
    ]

    assert may == []


async def test_a_reply_reaches_its_asker_alone(
    gateway: NatsBus, metrics: NatsBus, bus_as: BusAs
) -> None:
    overheard: list[object] = []

    async def listen(message: object) -> None:
        overheard.append(message)

    async with AsyncExitStack() as stack:
        for service in (Service.CREDENTIALS, Service.AGENT_RUNNER, Service.METRICS):
            spy = await stack.enter_async_context(bus_as(service))
            for subject in ("_INBOX_gateway.>", "_INBOX.>", ">"):
                await spy._client.subscribe(subject, cb=listen)
            await spy._settled()
        await stack.enter_async_context(
            metrics.serving(Service.METRICS, answer(ECHO, echo))
        )
        reply = await gateway.ask(ECHO, Words(text="secret"))

    assert reply.text == "secret"
    assert overheard == []


async def test_a_question_that_is_not_allowed_is_never_heard(
    metrics: NatsBus, bus_as: BusAs
) -> None:
    heard: list[Words] = []

    async def hear(words: Words) -> Words:
        heard.append(words)
        return words

    async with (
        bus_as(Service.CREDENTIALS) as stranger,
        metrics.serving(Service.METRICS, answer(ECHO, hear)),
    ):
        with pytest.raises(UnavailableError):
            await stranger.ask(deadline_of(0.4), Words(text="let me in"))

    assert heard == []


async def test_an_answer_goes_to_the_asker_once_and_nowhere_else(
    gateway: NatsBus, metrics: NatsBus
) -> None:
    async with metrics.serving(Service.METRICS, answer(ECHO, echo)):
        await gateway.ask(ECHO, Words())
        reply = await gateway._client.request(ECHO.subject, b"{}", 20)

        assert not await _may_publish(metrics, reply.subject)


async def test_an_unknown_identity_is_refused_in_one_sentence(
    servers: Servers,
) -> None:
    stranger = Identity.generate()

    with pytest.raises(UnavailableError) as caught:
        async with connect_bus(
            servers.nats_url,
            service=Service.METRICS,
            identity=stranger,
            within=timedelta(seconds=0.3),
        ):
            pass

    assert caught.value.message == (
        f"NATS at {servers.nats_url} does not know the identity {stranger.public.nkey}."
    )
