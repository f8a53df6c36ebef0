"""Logs as server-sent events, as a caller over HTTP gets them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import ClientResponse

from shared.contracts.agent_runner import (
    AGENT_LOGS,
    GET_AGENT,
    AgentLogs,
    LogPosition,
    LogsQuestion,
)
from shared.errors import AgentNotFoundError, UnavailableError

from .conftest import Client
from .fakes import Neighbours
from .objects import AGENT, ELSEWHERE, SOME_ID

LOGS = f"/api/agents/{SOME_ID}/logs"
GONE = AgentNotFoundError("There is no such agent.")


def heard(*lines: str, end: int, has_skipped: bool = False) -> AgentLogs:
    position = LogPosition(output=ELSEWHERE, offset=end)
    return AgentLogs(lines=list(lines), position=position, has_skipped=has_skipped)


@asynccontextmanager
async def following(
    client: aiohttp.ClientSession,
    neighbours: Neighbours,
    *replies: AgentLogs | Exception,
) -> AsyncIterator[ClientResponse]:
    """Follow an agent whose runner gives these answers, and then that it is gone."""
    neighbours.answer(GET_AGENT, AGENT)
    neighbours.answer(AGENT_LOGS, *replies, GONE)
    async with client.get(f"{LOGS}?follow") as response:
        yield response


async def events(response: ClientResponse) -> list[tuple[str, object]]:
    """Read to the end; return each event's name and what it says."""
    async with asyncio.timeout(30):
        text = (await response.content.read()).decode()
    frames = [
        dict(line.split(": ", 1) for line in frame.splitlines())
        for frame in text.split("\n\n")
        if "data: " in frame
    ]
    return [(each["event"], json.loads(each["data"])) for each in frames]


def questions(neighbours: Neighbours) -> list[LogsQuestion]:
    return [each for _, each in neighbours.asked if isinstance(each, LogsQuestion)]


async def test_lines_come_as_they_are_heard_and_end_with_the_agent(
    client: aiohttp.ClientSession, neighbours: Neighbours
) -> None:
    replies = (heard("one", "two", end=8), heard("three", end=14))

    async with following(client, neighbours, *replies) as response:
        told = await events(response)

    assert response.headers["Content-Type"] == "text/event-stream"
    assert told == [
        ("lines", {"lines": ["one", "two"], "has_skipped": False}),
        ("lines", {"lines": ["three"], "has_skipped": False}),
        ("deleted", {}),
    ]


async def test_each_question_goes_on_where_the_last_answer_ended(
    client: aiohttp.ClientSession, neighbours: Neighbours
) -> None:
    silent = AgentLogs(lines=[])

    async with following(client, neighbours, heard("one", end=4), silent) as response:
        await events(response)

    asked = questions(neighbours)
    assert all(each.is_followed and each.wait_seconds for each in asked)
    assert [each.after and each.after.offset for each in asked] == [None, 4, 4]


async def test_lines_that_were_missed_are_told_of(
    client: aiohttp.ClientSession, neighbours: Neighbours
) -> None:
    late = heard("late", end=900, has_skipped=True)

    async with following(client, neighbours, late) as response:
        told = await events(response)

    assert told[0] == ("lines", {"lines": ["late"], "has_skipped": True})


async def test_a_runner_that_is_away_for_a_while_is_waited_for(
    client: aiohttp.ClientSession, neighbours: Neighbours
) -> None:
    away = UnavailableError("Not now.")

    async with following(client, neighbours, away, heard("back", end=5)) as response:
        told = await events(response)

    assert [name for name, _ in told] == ["lines", "deleted"]


async def test_who_comes_back_goes_on_behind_the_last_event(
    client: aiohttp.ClientSession, neighbours: Neighbours
) -> None:
    async with following(client, neighbours, heard("one", end=4)) as response:
        text = await response.text()
    [last] = [line[4:] for line in text.splitlines() if line.startswith("id: ")]
    neighbours.asked.clear()

    headers = {"Last-Event-ID": last}
    async with client.get(f"{LOGS}?follow=true", headers=headers) as response:
        await events(response)

    [question] = questions(neighbours)
    assert question.after == LogPosition(output=ELSEWHERE, offset=4)


@pytest.mark.parametrize("text", ["", "x", "1:1", f"{SOME_ID}", f"{SOME_ID}:-1"])
async def test_what_is_no_id_of_an_event_is_named(
    client: aiohttp.ClientSession, text: str
) -> None:
    headers = {"Last-Event-ID": text}

    async with client.get(f"{LOGS}?follow", headers=headers) as response:
        told = await response.json()

    assert response.status == 422
    assert told["details"]["fields"][0]["field"] == "Last-Event-ID"


async def test_an_agent_that_is_not_there_is_an_answer_as_ever(
    client: aiohttp.ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(GET_AGENT, GONE)

    async with client.get(f"{LOGS}?follow") as response:
        assert response.status == 404


async def test_who_may_not_read_agents_follows_none(stranger: Client) -> None:
    response = await stranger.get(f"{LOGS}?follow")

    assert response.status == 401


@pytest.mark.parametrize("query", ["follow=false", ""])
async def test_who_does_not_follow_gets_the_last_lines(
    client: aiohttp.ClientSession, neighbours: Neighbours, query: str
) -> None:
    neighbours.answer(AGENT_LOGS, heard("one", end=4))

    async with client.get(f"{LOGS}?{query}") as response:
        assert await response.json() == {"lines": ["one"]}

    assert not neighbours.question(AGENT_LOGS).is_followed
