"""Questions and answers through a real NATS server, with the real permissions."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

import pytest
from structlog.contextvars import bound_contextvars, get_contextvars

from shared.bus import NatsBus, answer
from shared.contracts.base import Empty, Endpoint, Message, Service
from shared.errors import (
    AppError,
    InvalidError,
    LimitedError,
    ProviderInUseError,
    TooLargeError,
    UnavailableError,
)

from .questions import ECHO, Words, echo, size_limit

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
        "fields": [{"field": "number", "message": "is required"}]
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
