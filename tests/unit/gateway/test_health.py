import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from shared.bus import answer, answer_ping
from shared.contracts import agent_runner, credentials, metrics
from shared.errors import DatabaseUnavailableError
from shared.identity import Identity
from shared.testing import FakeBus, FakeClock

from .assembling import assembled
from .conftest import Client
from .fakes import FakeApiKeys
from .objects import SOME_ID

PINGS = (credentials.PING, agent_runner.PING, metrics.PING)


@pytest.fixture
def ready_bus(bus: FakeBus) -> FakeBus:
    bus.serve(*(answer(ping, answer_ping) for ping in PINGS))
    return bus


async def test_a_process_that_lives_says_so_without_a_key(stranger: Client) -> None:
    async with stranger.get("/healthz") as response:
        assert response.status == 200
        assert await response.json() == {"status": "ok"}


@pytest.mark.usefixtures("ready_bus")
async def test_all_there_is_ready(stranger: Client) -> None:
    async with stranger.get("/readyz") as response:
        assert response.status == 200
        assert await response.json() == {"status": "ready"}


async def test_what_was_measured_is_told_by_route_and_without_a_key(
    client: ClientSession, stranger: Client, ready_bus: FakeBus
) -> None:
    del ready_bus.answers[credentials.PING.subject]
    async with client.get(f"/api/agents/{SOME_ID}") as told:
        assert told.status == 503
    async with client.request("PROPFIND", "/api/pots/4711") as told:
        assert told.status == 404

    async with stranger.get("/metrics") as response:
        text = await response.text()

    found = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    count = "http_server_request_duration_seconds_count"
    assert found[count, *labels("GET", "/api/agents/{id}", 503)] == 1
    assert found[count, *labels("_OTHER", "_OTHER", 404)] == 1
    assert found["ag2trust_dependency_up", ("dependency", "credentials")] == 0
    assert found["ag2trust_dependency_up", ("dependency", "database")] == 1
    assert found["http_server_active_requests",] == 1
    assert str(SOME_ID) not in text


def labels(method: str, route: str, status: int) -> list[tuple[str, str]]:
    return [
        ("http_request_method", method),
        ("http_response_status_code", str(status)),
        ("http_route", route),
    ]


async def test_what_is_missing_is_named_with_the_reason(
    stranger: Client, ready_bus: FakeBus
) -> None:
    del ready_bus.answers[credentials.PING.subject]

    async with stranger.get("/readyz") as response:
        body = await response.json()

    assert response.status == 503
    assert int(response.headers["Retry-After"]) >= 1
    assert body == {
        "status": "not_ready",
        "missing": {"credentials": "No answer on credentials.v1.ping."},
    }


async def test_alone_everything_is_missing(
    bus: FakeBus, api_keys: FakeApiKeys, credentials: Identity
) -> None:
    bus.is_connected = False

    async def be_away() -> None:
        raise DatabaseUnavailableError("The database is away.")

    app = assembled(bus, api_keys, credentials, FakeClock(), ping=be_away)

    async with (
        TestClient(TestServer(app)) as client,
        client.get("/readyz") as response,
    ):
        body = await response.json()

    assert response.status == 503
    assert set(body["missing"]) == {
        "agent_runner",
        "credentials",
        "database",
        "metrics",
        "nats",
    }
    assert body["missing"]["database"] == "The database is away."
