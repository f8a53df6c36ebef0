from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestClient, TestServer

from gateway.access.rate_limits import RateLimits
from shared.contracts.agent_runner import LIST_AGENTS
from shared.contracts.base import Page
from shared.errors import LimitedError
from shared.identity import Identity
from shared.ids import new_id
from shared.testing import FakeBus, FakeClock

from .assembling import assembled
from .conftest import OWNER_KEY, Client
from .fakes import FakeApiKeys, Neighbours

START = datetime(2026, 1, 1, 12, 0, 10, tzinfo=UTC)
END_OF_MINUTE = int(datetime(2026, 1, 1, 12, 1, tzinfo=UTC).timestamp())


def test_as_many_as_the_limit_pass_in_a_minute_of_the_clock() -> None:
    clock = FakeClock(START)
    limits = RateLimits(per_minute=2, now=clock)
    who = new_id()

    left = [limits.spend(who).remaining for _ in range(2)]
    refused = limits.spend(who)
    clock.advance(timedelta(seconds=50))
    next_minute = limits.spend(who)

    assert left == [1, 0]
    assert (refused.remaining, refused.reset, refused.seconds) == (
        -1,
        END_OF_MINUTE,
        50,
    )
    with pytest.raises(LimitedError, match="More than 2 requests in a minute"):
        refused.require()
    assert (next_minute.remaining, next_minute.reset) == (1, END_OF_MINUTE + 60)


def test_each_principal_has_its_own() -> None:
    limits = RateLimits(per_minute=1, now=FakeClock(START))

    assert [limits.spend(new_id()).remaining for _ in range(3)] == [0, 0, 0]


async def test_every_answer_to_a_key_tells_what_is_left(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(LIST_AGENTS, Page(data=[]))

    async with client.get("/api/agents") as first:
        pass
    async with client.get("/api/nothing") as second:
        pass

    assert first.headers["X-RateLimit-Limit"] == "6000"
    assert first.headers["X-RateLimit-Remaining"] == "5999"
    assert int(first.headers["X-RateLimit-Reset"]) % 60 == 0
    assert (second.status, second.headers["X-RateLimit-Remaining"]) == (404, "5998")


async def test_one_too_many_is_told_when_to_come_back(
    bus: FakeBus,
    neighbours: Neighbours,
    api_keys: FakeApiKeys,
    credentials: Identity,
    clock: FakeClock,
) -> None:
    neighbours.answer(LIST_AGENTS, Page(data=[]))
    app = assembled(bus, api_keys, credentials, clock, requests_per_minute=2)
    headers = {"X-API-Key": OWNER_KEY}

    async with TestClient(TestServer(app)) as client:
        answers = [await client.get("/api/agents", headers=headers) for _ in range(3)]
        told = await answers[2].json()
        clock.advance(timedelta(minutes=1))
        later = await client.get("/api/agents", headers=headers)

    assert [each.status for each in answers] == [200, 200, 429]
    assert later.status == 200
    assert told["error_code"] == "RATE_LIMITED"
    assert answers[2].headers["X-RateLimit-Remaining"] == "0"
    assert answers[2].headers["Retry-After"] == "60"


async def test_who_is_not_known_has_no_allowance(stranger: Client) -> None:
    async with stranger.get("/api/agents") as refused:
        assert "X-RateLimit-Limit" not in refused.headers
    async with stranger.get("/api/openapi.json") as read:
        assert "X-RateLimit-Limit" not in read.headers
