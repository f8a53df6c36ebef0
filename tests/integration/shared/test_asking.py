"""Questions and answers through a real NATS server, with the real permissions."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import cast

import nats
import nats.errors
import pytest
from nats.aio.msg import Msg
from structlog.contextvars import bound_contextvars, get_contextvars

from ag2trust.testing import BusAs, Servers, identity_of
from ag2trust.waiting import until
from shared.bus import NatsBus, answer
from shared.bus_wire import expiry
from shared.contracts.base import Empty, Endpoint, Message, Service
from shared.contracts.permissions import inbox_prefix
from shared.errors import (
    AppError,
    InvalidError,
    LimitedError,
    ProviderInUseError,
    TooLargeError,
    UnavailableError,
)

from .questions import ECHO, Words, deadline_of, echo, size_limit

pytestmark = pytest.mark.integration

CANARY = "sk-canary-5b20"

Handler = Callable[[Words], Awaitable[Words]]


class Number(Message):
    number: int


class StrangeError(AppError):
    """An error of a later version, unknown to the asker."""

    code = "OF_A_LATER_VERSION"
    status = LimitedError.status


def _raising(error: BaseException) -> Handler:
    async def fail(_: Words) -> Words:
        raise error

    return fail


async def _forever() -> None:
    await asyncio.Event().wait()


async def test_a_question_and_its_answer_keep_their_types(
    gateway: NatsBus, metrics: NatsBus
) -> None:
    async def shout(words: Words) -> Words:
        return Words(text=words.text.upper())

    async with metrics.serving(Service.METRICS, answer(ECHO, shout)):
        reply = await gateway.ask(ECHO, Words(text="ünïcode \0 \U0001f600"))

    assert reply == Words(text="ÜNÏCODE \0 \U0001f600")


@pytest.mark.parametrize(
    "raised",
    [
        ProviderInUseError("In use.", details={"agents": [{"id": "1"}]}),
        LimitedError("Slowly.", retry_after_seconds=7.5),
        UnavailableError("Not now."),
        AppError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_an_error_comes_back_as_it_was_raised(
    gateway: NatsBus, metrics: NatsBus, raised: AppError
) -> None:
    async with metrics.serving(Service.METRICS, answer(ECHO, _raising(raised))):
        with pytest.raises(AppError) as caught:
            await gateway.ask(ECHO, Words())

    back = caught.value
    assert type(back) is type(raised)
    assert (back.code, back.status, back.message) == (
        *(raised.code, raised.status),
        raised.message,
    )
    assert back.details == raised.details
    assert back.retry_after_seconds == raised.retry_after_seconds


async def test_an_error_of_a_later_version_comes_back_as_its_family(
    gateway: NatsBus, metrics: NatsBus
) -> None:
    async with metrics.serving(
        Service.METRICS, answer(ECHO, _raising(StrangeError("?")))
    ):
        with pytest.raises(LimitedError) as caught:
            await gateway.ask(ECHO, Words())

    assert caught.value.code == "OF_A_LATER_VERSION"


async def test_a_question_off_its_shape_is_invalid_and_not_quoted(
    gateway: NatsBus, metrics: NatsBus
) -> None:
    other = Endpoint(ECHO.subject, Words, Words, askers=ECHO.askers)
    strict = Endpoint(ECHO.subject, Number, Words, askers=ECHO.askers)

    async def never(_: Number) -> Words:
        raise AssertionError

    async with metrics.serving(Service.METRICS, answer(strict, never)):
        with pytest.raises(InvalidError) as caught:
            await gateway.ask(other, Words(text=CANARY))

    assert caught.value.details == {
        "fields": [{"field": "number", "message": "Field required"}]
    }


async def test_an_answer_that_cannot_be_read_is_an_internal_error(
    gateway: NatsBus, metrics: NatsBus
) -> None:
    expected = Endpoint(ECHO.subject, Words, Number, askers=ECHO.askers)

    async with metrics.serving(Service.METRICS, answer(ECHO, echo)):
        with pytest.raises(AppError) as caught:
            await gateway.ask(expected, Words(text=CANARY))

    assert caught.value.code == "INTERNAL_ERROR"
    assert "The metrics service gave an answer" in caught.value.message
    assert CANARY not in caught.value.message


@pytest.mark.parametrize(
    "bug",
    [
        ValueError(CANARY),
        KeyError(CANARY),
        ExceptionGroup(CANARY, [ValueError(CANARY)]),
        asyncio.CancelledError(CANARY),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_crash_is_an_internal_error_without_its_words(
    gateway: NatsBus, metrics: NatsBus, bug: BaseException
) -> None:
    async with metrics.serving(Service.METRICS, answer(ECHO, _raising(bug))):
        with pytest.raises(AppError) as caught:
            await gateway.ask(ECHO, Words())

        assert type(caught.value) is AppError
        assert caught.value.code == "INTERNAL_ERROR"
        assert CANARY not in f"{caught.value!r} {caught.value.details}"


@pytest.mark.parametrize(
    "unspeakable",
    [AppError("\ud800"), AppError("Odd.", details={"x": cast("str", object())})],
    ids=["half a character", "no JSON"],
)
async def test_an_error_that_cannot_be_written_is_an_internal_error(
    gateway: NatsBus, metrics: NatsBus, unspeakable: AppError
) -> None:
    async with metrics.serving(Service.METRICS, answer(ECHO, _raising(unspeakable))):
        for _ in range(2):
            with pytest.raises(AppError) as caught:
                await gateway.ask(ECHO, Words())

            assert caught.value.code == "INTERNAL_ERROR"


async def test_the_request_id_travels_with_the_question(
    gateway: NatsBus, metrics: NatsBus
) -> None:
    async def request_id(_: Words) -> Words:
        return Words(text=get_contextvars()["request_id"])

    async with metrics.serving(Service.METRICS, answer(ECHO, request_id)):
        with bound_contextvars(request_id="request-1"):
            reply = await gateway.ask(ECHO, Words())

    assert reply.text == "request-1"


async def test_without_anybody_there_it_is_unavailable_long_before_the_deadline(
    gateway: NatsBus,
) -> None:
    async with asyncio.timeout(ECHO.deadline.total_seconds() / 2):
        with pytest.raises(UnavailableError) as caught:
            await gateway.ask(ECHO, Words())

    assert caught.value.message == "The metrics service does not answer right now."
    assert caught.value.retry_after_seconds


async def test_a_deadline_ends_the_question_on_both_sides(
    gateway: NatsBus, metrics: NatsBus
) -> None:
    was_given_up = asyncio.Event()

    async def wait(_: Words) -> Words:
        try:
            await _forever()
        finally:
            was_given_up.set()
        return Words()

    hasty = deadline_of(0.3)
    async with metrics.serving(Service.METRICS, answer(ECHO, wait)):
        with pytest.raises(UnavailableError):
            await gateway.ask(hasty, Words())

        async with asyncio.timeout(20):
            await was_given_up.wait()


async def test_a_question_asked_again_is_answered_once(
    gateway: NatsBus, metrics: NatsBus, bus_as: BusAs
) -> None:
    copies: list[Msg] = []
    was_asked_again = asyncio.Event()
    acts = 0

    async def count(message: Msg) -> None:
        copies.append(message)
        if len(copies) == 2:
            was_asked_again.set()

    async def act(words: Words) -> Words:
        nonlocal acts
        acts += 1
        await was_asked_again.wait()
        return words

    async with (
        bus_as(Service.METRICS) as spy,
        metrics.serving(Service.METRICS, answer(ECHO, act)),
    ):
        await spy._client.subscribe(ECHO.subject, cb=count)
        await spy._settled()
        reply = await gateway.ask(deadline_of(1), Words(text="once"))

    assert reply.text == "once"
    assert acts == 1
    first, again = (each.headers or {} for each in copies)
    assert first["Ag2trust-Ask-Id"] == again["Ag2trust-Ask-Id"]
    assert 0 < float(again["Ag2trust-Seconds-Left"]) <= 0.5
    assert 0.5 < float(first["Ag2trust-Seconds-Left"]) <= 1
    assert first["Ag2trust-Expires-At"] == again["Ag2trust-Expires-At"]


async def test_a_question_asked_again_under_load_is_still_answered_once(
    gateway: NatsBus, metrics: NatsBus
) -> None:
    acts: list[str] = []

    async def act(words: Words) -> Words:
        acts.append(words.text)
        return words

    headers = {"Ag2trust-Ask-Id": "the-same"}
    async with metrics.serving(Service.METRICS, answer(ECHO, act)):
        payload = Words(text="once").model_dump_json().encode()
        await gateway._client.request(ECHO.subject, payload, 2, headers=headers)
        await asyncio.gather(*(gateway.ask(ECHO, Words()) for _ in range(400)))
        await gateway._client.request(ECHO.subject, payload, 2, headers=headers)

    assert acts.count("once") == 1


async def test_answers_are_forgotten_when_nobody_can_ask_again(
    gateway: NatsBus, metrics: NatsBus
) -> None:
    acts = 0

    async def act(words: Words) -> Words:
        nonlocal acts
        acts += 1
        return words

    hasty = deadline_of(0.05)
    headers = {"Ag2trust-Ask-Id": "the-same"}
    async with metrics.serving(Service.METRICS, answer(hasty, act)):
        async with asyncio.timeout(20):
            while acts < 2:
                await gateway._client.request(ECHO.subject, b"{}", 2, headers=headers)

    assert acts == 2


@pytest.mark.parametrize("left", ["nan", "-1", "", "soon"])
async def test_an_absurd_patience_does_not_spoil_an_answer(
    gateway: NatsBus, metrics: NatsBus, left: str
) -> None:
    async def take_a_moment(words: Words) -> Words:
        for _ in range(5):
            await asyncio.sleep(0)
        return words

    headers = {"Ag2trust-Seconds-Left": left}
    async with metrics.serving(Service.METRICS, answer(ECHO, take_a_moment)):
        reply = await gateway._client.request(ECHO.subject, b"{}", 2, headers=headers)

    assert reply.data == b'{"text":""}'
    assert reply.headers is None


async def test_what_nobody_waits_for_any_more_is_not_begun(
    gateway: NatsBus, metrics: NatsBus
) -> None:
    begun: list[str] = []

    async def begin(words: Words) -> Words:
        begun.append(words.text)
        return words

    async with metrics.serving(Service.METRICS, answer(ECHO, begin)):
        for text, seconds in (("gone", -0.01), ("waiting", 5.0)):
            payload = Words(text=text).model_dump_json().encode()
            headers = {"Ag2trust-Expires-At": f"{time.time() + seconds:.3f}"}
            await gateway._client.request(ECHO.subject, payload, 2, headers=headers)

    assert begun == ["waiting"]


@pytest.mark.parametrize("absurd", ["", "soon", "nan", "-inf", "1e999", "0x10"])
async def test_an_expiry_that_is_no_time_is_none(
    gateway: NatsBus, metrics: NatsBus, absurd: str
) -> None:
    headers = {"Ag2trust-Expires-At": absurd}

    async with metrics.serving(Service.METRICS, answer(ECHO, echo)):
        reply = await gateway._client.request(ECHO.subject, b"{}", 2, headers=headers)

    assert "Ag2trust-Failed" not in (reply.headers or {})


@pytest.mark.parametrize(
    ("deadline", "tolerance"), [(0.5, 0.1), (5, 1), (10, 1), (60, 1)]
)
def test_a_question_ends_earlier_by_what_clocks_may_differ(
    deadline: float, tolerance: float
) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)

    expires_at = expiry(now, timedelta(seconds=deadline))

    assert (expires_at - now).total_seconds() == deadline - tolerance


@pytest.mark.parametrize("left", ["inf", "1e308", "nan", "3600"])
async def test_nobody_has_more_patience_than_the_contract_gives(
    gateway: NatsBus, metrics: NatsBus, left: str
) -> None:
    async def wait(words: Words) -> Words:
        await _forever()
        return words

    hasty = deadline_of(0.1)
    headers = {"Ag2trust-Seconds-Left": left}
    async with metrics.serving(Service.METRICS, answer(hasty, wait)):
        reply = await gateway._client.request(ECHO.subject, b"{}", 2, headers=headers)

    assert b"The answer took too long." in reply.data


async def test_300_questions_at_once_are_answered_beside_one_another(
    gateway: NatsBus, metrics: NatsBus
) -> None:
    together = asyncio.Barrier(150)

    async def meet(words: Words) -> Words:
        await together.wait()
        return words

    async with metrics.serving(Service.METRICS, answer(ECHO, meet)):
        replies = await asyncio.gather(
            *(gateway.ask(ECHO, Words(text=str(number))) for number in range(300))
        )

    assert [reply.text for reply in replies] == [str(number) for number in range(300)]


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
            await _forever()

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
        inbox_prefix=inbox_prefix(Service.GATEWAY),
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


async def test_the_largest_question_arrives_and_a_larger_one_is_refused_at_once(
    gateway: NatsBus, metrics: NatsBus
) -> None:
    limit = size_limit(gateway)

    async def measure(words: Words) -> Words:
        return Words(text=str(len(words.text)))

    async with metrics.serving(Service.METRICS, answer(ECHO, measure)):
        with bound_contextvars(request_id="r" * 128):
            reply = await gateway.ask(ECHO, Words(text="x" * limit))
            for more in (1, 400, 600, 2_000_000):
                with pytest.raises(TooLargeError):
                    await gateway.ask(ECHO, Words(text="x" * (limit + more)))

            assert reply.text == str(limit)
            assert await gateway.ask(ECHO, Words(text="!")) == Words(text="1")


async def test_an_answer_that_is_too_large_is_a_clear_error_at_once(
    gateway: NatsBus, metrics: NatsBus
) -> None:
    async def expand(words: Words) -> Words:
        return Words(text="x" * int(words.text))

    limit = size_limit(metrics)
    async with metrics.serving(Service.METRICS, answer(ECHO, expand)):
        fits = await gateway.ask(ECHO, Words(text=str(limit)))
        for more in (1, 400, 600, 2_000_000):
            async with asyncio.timeout(20):
                with pytest.raises(AppError, match="too large for one message"):
                    await gateway.ask(ECHO, Words(text=str(limit + more)))

        assert len(fits.text) == limit
        assert (await gateway.ask(ECHO, Words(text="1"))).text == "x"


async def test_an_error_whose_details_are_too_large_is_told_without_them(
    gateway: NatsBus, metrics: NatsBus
) -> None:
    verbose = ProviderInUseError("In use.", details={"agents": "x" * 2_000_000})

    async with metrics.serving(Service.METRICS, answer(ECHO, _raising(verbose))):
        async with asyncio.timeout(20):
            with pytest.raises(AppError, match="too large for one message"):
                await gateway.ask(ECHO, Words())


async def test_a_question_without_an_address_does_no_harm(
    gateway: NatsBus, metrics: NatsBus
) -> None:
    async with metrics.serving(Service.METRICS, answer(ECHO, echo)):
        await gateway._client.publish(ECHO.subject, b"{}")
        await gateway._client.publish(ECHO.subject, b"\xff", headers={"X": "1"})

        assert await gateway.ask(ECHO, Words(text="on")) == Words(text="on")


async def test_empty_questions_have_answers_too(
    gateway: NatsBus, metrics: NatsBus
) -> None:
    ping = Endpoint(ECHO.subject, Empty, Empty, askers=ECHO.askers)

    async def pong(_: Empty) -> Empty:
        return Empty()

    async with metrics.serving(Service.METRICS, answer(ping, pong)):
        assert await gateway.ask(ping, Empty()) == Empty()
