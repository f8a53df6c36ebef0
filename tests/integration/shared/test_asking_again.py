"""A question that is asked again is answered once."""

import asyncio

import pytest
from nats.aio.msg import Msg

from ag2trust.testing import BusAs
from shared.bus import NatsBus, answer
from shared.contracts.base import Service

from .questions import ECHO, Words, deadline_of

pytestmark = pytest.mark.integration


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
        reply = await gateway.ask(deadline_of(4), Words(text="once"))

    assert reply.text == "once"
    assert acts == 1
    first, again = (each.headers or {} for each in copies)
    assert first["Ag2trust-Ask-Id"] == again["Ag2trust-Ask-Id"]
    assert 0 < float(again["Ag2trust-Seconds-Left"]) <= 2
    assert 2 < float(first["Ag2trust-Seconds-Left"]) <= 4
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
        await gateway._client.request(ECHO.subject, payload, 20, headers=headers)
        await asyncio.gather(*(gateway.ask(ECHO, Words()) for _ in range(400)))
        await gateway._client.request(ECHO.subject, payload, 20, headers=headers)

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
                await gateway._client.request(ECHO.subject, b"{}", 20, headers=headers)

    assert acts == 2
