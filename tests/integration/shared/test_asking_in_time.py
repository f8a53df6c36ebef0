"""How long a question is waited for, and by whom."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from shared.bus import NatsBus, answer
from shared.bus_wire import expiry
from shared.contracts.base import Service
from shared.errors import UnavailableError

from .questions import ECHO, Words, deadline_of, echo, forever

pytestmark = pytest.mark.integration


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
            await forever()
        finally:
            was_given_up.set()
        return Words()

    hasty = deadline_of(0.3)
    async with metrics.serving(Service.METRICS, answer(ECHO, wait)):
        with pytest.raises(UnavailableError):
            await gateway.ask(hasty, Words())

        async with asyncio.timeout(20):
            await was_given_up.wait()


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
        reply = await gateway._client.request(ECHO.subject, b"{}", 20, headers=headers)

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
        for text, seconds in (("gone", -0.01), ("waiting", 60.0)):
            payload = Words(text=text).model_dump_json().encode()
            headers = {"Ag2trust-Expires-At": f"{time.time() + seconds:.3f}"}
            await gateway._client.request(ECHO.subject, payload, 20, headers=headers)

    assert begun == ["waiting"]


@pytest.mark.parametrize("absurd", ["", "soon", "nan", "-inf", "1e999", "0x10"])
async def test_an_expiry_that_is_no_time_is_none(
    gateway: NatsBus, metrics: NatsBus, absurd: str
) -> None:
    headers = {"Ag2trust-Expires-At": absurd}

    async with metrics.serving(Service.METRICS, answer(ECHO, echo)):
        reply = await gateway._client.request(ECHO.subject, b"{}", 20, headers=headers)

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
        await forever()
        return words

    hasty = deadline_of(0.1)
    headers = {"Ag2trust-Seconds-Left": left}
    async with metrics.serving(Service.METRICS, answer(hasty, wait)):
        reply = await gateway._client.request(ECHO.subject, b"{}", 20, headers=headers)

    assert b"The answer took too long." in reply.data
