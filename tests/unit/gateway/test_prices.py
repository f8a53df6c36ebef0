from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from aiohttp import ClientSession

from gateway.access.permissions import Role
from shared.contracts.base import Empty
from shared.contracts.credentials import ProviderType
from shared.contracts.metrics import (
    DELETE_PRICE,
    GET_PRICE,
    GET_REPRICING,
    LIST_PRICES,
    PUT_PRICE,
    QUOTE_PRICE,
    REPRICE,
)
from shared.contracts.prices import (
    PriceOverride,
    PriceQuote,
    Prices,
    Repricing,
    RepricingStatus,
    TokenPrices,
)
from shared.errors import PriceNotFoundError, RepricingNotFoundError

from .conftest import Client
from .fakes import FakeApiKeys, Neighbours
from .objects import NOON, ORGANIZATION, SOME_ID

OPERATOR_KEY = "cust_" + "p" * 40

SUBMISSION: dict[str, Any] = {
    "provider_type": "openai",
    "model": "gpt-5",
    "effective_from": "2026-01-01T00:00:00Z",
    "usd_per_million_tokens": {"input": 0.15, "output": 1e-7},
}
PRICE = PriceOverride.model_validate(
    SUBMISSION | {"id": SOME_ID, "version": 1, "created_at": NOON, "updated_at": NOON}
)
QUOTE = PriceQuote(
    provider_type=ProviderType.OPENAI,
    model="gpt-5",
    provider_id=None,
    at=NOON,
    price_version="genai-prices-1",
    usd_per_million_tokens=TokenPrices(input=Decimal("1.25"), output=Decimal(10)),
    tiers=[],
    unpriced_reason=None,
)
REPRICING = Repricing(
    id=SOME_ID,
    status=RepricingStatus.RUNNING,
    since=NOON,
    until=NOON,
    price_version="genai-prices-1",
    calls_examined=0,
    calls_changed=0,
    cost_usd_before=Decimal(0),
    cost_usd_after=Decimal(0),
    models=[],
    requested_at=NOON,
    finished_at=None,
)


async def test_prices_are_listed_with_the_version_of_the_book(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(
        LIST_PRICES, Prices(data=[PRICE], next_cursor=None, book_version="genai-1")
    )

    async with client.get("/api/prices?limit=7") as response:
        body = await response.json()

    assert body["book_version"] == "genai-1"
    assert body["data"][0]["usd_per_million_tokens"]["input"] == 0.15
    assert neighbours.question(LIST_PRICES).limit == 7


async def test_a_price_is_set_to_the_digit(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(PUT_PRICE, PRICE)

    async with client.put("/api/prices", json=SUBMISSION) as response:
        body = await response.json()

    assert response.status == 200
    assert body["id"] == str(SOME_ID)
    question = neighbours.question(PUT_PRICE)
    assert question.org_id == ORGANIZATION
    prices = question.submission.usd_per_million_tokens
    assert (prices.input, prices.output) == (Decimal("0.15"), Decimal("1e-7"))
    assert question.submission.provider_id is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"provider_type": "acme"}, "provider_type"),
        ({"model": ""}, "model"),
        ({"model": "a\u0000b"}, "model"),
        ({"effective_from": "2026-01-01"}, "effective_from"),
        ({"effective_to": "2026-01-01T00:00:00Z"}, "effective_to"),
        ({"currency": "EUR"}, "currency"),
        (
            {"usd_per_million_tokens": {"input": -1, "output": 1}},
            "usd_per_million_tokens.input",
        ),
        ({"usd_per_million_tokens": {"input": 1}}, "usd_per_million_tokens.output"),
        (
            {"usd_per_million_tokens": {"input": 1, "output": 1, "image": 1}},
            "usd_per_million_tokens.image",
        ),
    ],
)
async def test_a_price_that_cannot_be_is_named(
    client: ClientSession, changes: dict[str, Any], field: str
) -> None:
    async with client.put("/api/prices", json=SUBMISSION | changes) as response:
        body = await response.json()

    assert response.status == 422
    assert [each["field"] for each in body["details"]["fields"]] == [field]


async def test_a_price_is_shown_and_deleted(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(GET_PRICE, PRICE)
    neighbours.answer(DELETE_PRICE, Empty())

    async with client.get(f"/api/prices/{SOME_ID}") as response:
        assert (await response.json())["model"] == "gpt-5"
    async with client.delete(f"/api/prices/{SOME_ID}") as response:
        assert response.status == 204

    assert neighbours.question(DELETE_PRICE).override_id == SOME_ID


async def test_what_is_no_price_is_not_found(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(GET_PRICE, PriceNotFoundError("There is no such override."))
    neighbours.answer(
        GET_REPRICING, RepricingNotFoundError("There is no such repricing.")
    )
    codes = {
        "/api/prices/7": "PRICE_NOT_FOUND",
        f"/api/prices/{SOME_ID}": "PRICE_NOT_FOUND",
        "/api/prices/repricings/7": "REPRICING_NOT_FOUND",
        f"/api/prices/repricings/{SOME_ID}": "REPRICING_NOT_FOUND",
    }

    for path, code in codes.items():
        async with client.get(path) as response:
            assert response.status == 404
            assert (await response.json())["error_code"] == code


async def test_a_model_is_quoted(client: ClientSession, neighbours: Neighbours) -> None:
    neighbours.answer(QUOTE_PRICE, QUOTE)
    query = {
        "provider_type": "openai",
        "model": "gpt-5",
        "provider_id": str(SOME_ID),
        "at": "2026-01-01T13:00:00+01:00",
    }

    async with client.get("/api/prices/quote", params=query) as response:
        body = await response.json()

    assert body["usd_per_million_tokens"]["input"] == 1.25
    assert body["price_version"] == "genai-prices-1"
    question = neighbours.question(QUOTE_PRICE)
    assert (question.model, question.provider_id) == ("gpt-5", SOME_ID)
    assert question.at == NOON


async def test_a_repricing_is_ordered_and_told_of(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(REPRICE, REPRICING)
    neighbours.answer(GET_REPRICING, REPRICING)
    order = {"from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"}

    async with client.post("/api/v1/prices/reprice", json=order) as response:
        body = await response.json()
        location = response.headers["Location"]
    async with client.get(location) as shown:
        assert await shown.json() == body

    assert response.status == 202
    assert body["status"] == "running"
    assert (body["from"], body["to"]) == ("2026-01-01T12:00:00Z",) * 2
    assert location == f"/api/v1/prices/repricings/{SOME_ID}"
    question = neighbours.question(REPRICE)
    assert isinstance(question.repricing_id, UUID)
    assert (question.until - question.since).days == 31
    assert neighbours.question(GET_REPRICING).repricing_id == SOME_ID


@pytest.mark.parametrize("body", [{}, {"from": "2026-01-01T00:00:00Z"}, {"from": 1}])
async def test_a_repricing_needs_a_period(
    client: ClientSession, body: dict[str, Any]
) -> None:
    async with client.post("/api/prices/reprice", json=body) as response:
        assert response.status == 422


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/api/prices"),
        ("DELETE", f"/api/prices/{SOME_ID}"),
        ("POST", "/api/prices/reprice"),
    ],
)
async def test_who_is_no_admin_changes_no_price(
    stranger: Client, api_keys: FakeApiKeys, method: str, path: str
) -> None:
    api_keys.give(OPERATOR_KEY, Role.OPERATOR)

    async with stranger.request(
        method, path, json=SUBMISSION, headers={"X-API-Key": OPERATOR_KEY}
    ) as response:
        assert response.status == 403
        assert (await response.json())["error_code"] == "FORBIDDEN"
