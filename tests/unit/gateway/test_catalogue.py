"""The catalogue: what the first tables say, what became of it, and what it costs."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import ClientSession

from gateway.catalogue.catalogue import (
    CatalogueModel,
    Intelligence,
    ModelStatus,
    Speed,
    Task,
    catalogue,
)
from metrics.prices.price_book import context_window_of, rates_of
from shared.contracts.credentials import ProviderType
from shared.contracts.metrics import QUOTE_PRICES, Usage
from shared.contracts.prices import PriceQuote, PriceQuotes, TokenPrices
from shared.testing import FakeClock

from .fakes import Neighbours
from .objects import NOON

TODAY = date(2026, 11, 28)
MODELS = {model.id: model for model in catalogue().models}
TASKS = {task.title: task for task in catalogue().tasks}
WITHOUT_PRICE = {"gpt-6.2-astra", "gpt-6.2-sol"}


def named(*ids: str) -> list[CatalogueModel]:
    return [MODELS[each] for each in ids]


@pytest.mark.parametrize(
    ("model", "speed", "intelligence", "cost", "use_case"),
    [
        ("gpt-4o", "fast", "high", "$$", "General purpose"),
        ("gpt-4o-mini", "very_fast", "good", "$", "High volume, simple tasks"),
        ("gpt-4-turbo", "medium", "high", "$$$", "Complex reasoning"),
        ("claude-sonnet-4-20250514", "fast", "high", "$$", "Balanced performance"),
        ("claude-opus-4-20250514", "medium", "very_high", "$$$", "Complex analysis"),
    ],
)
def test_the_first_models_are_ranked_as_in_their_tables(
    model: str, speed: str, intelligence: str, cost: str, use_case: str
) -> None:
    [found] = named(model)

    assert found.first
    assert found.speed is Speed(speed)
    assert found.intelligence is Intelligence(intelligence)
    assert (found.cost, found.use_case) == (cost, use_case)


@pytest.mark.parametrize(
    ("model", "family", "best_for"),
    [
        (
            "anthropic.claude-3-5-sonnet-20241022-v2:0",
            "Anthropic Claude 3.5",
            "Latest, best performance",
        ),
        (
            "anthropic.claude-3-sonnet-20240229-v1:0",
            "Anthropic Claude 3",
            "General purpose, reasoning",
        ),
        (
            "anthropic.claude-3-haiku-20240307-v1:0",
            "Anthropic Claude 3",
            "General purpose, reasoning",
        ),
        ("meta.llama3-70b-instruct-v1:0", "Meta Llama", "Open-source, cost-effective"),
        ("mistral.mixtral-8x7b-instruct-v0:1", "Mistral", "Fast inference, coding"),
        ("mistral.mistral-large-2407-v1:0", "Mistral", "Fast inference, coding"),
        ("amazon.titan-text-express-v1", "Amazon Titan", "AWS-native, embeddings"),
        ("cohere.command-r-plus-v1:0", "Cohere", "RAG, enterprise search"),
    ],
)
def test_the_first_bedrock_models_are_there_by_full_id(
    model: str, family: str, best_for: str
) -> None:
    [found] = named(model)

    assert found.first
    assert found.provider_type is ProviderType.BEDROCK
    assert (found.family, found.best_for) == (family, best_for)


@pytest.mark.parametrize(
    ("title", "first"),
    [
        ("High volume, simple tasks", ["gpt-4o-mini"]),
        ("General purpose", ["gpt-4o", "claude-sonnet-4-20250514"]),
        ("Complex reasoning", ["claude-opus-4-20250514"]),
        ("Simple Q&A", ["gpt-4o-mini"]),
        ("Customer support", ["gpt-4o"]),
        ("Code review", ["claude-sonnet-4-20250514"]),
        ("Complex analysis", ["claude-opus-4-20250514"]),
        ("Cost sensitive", ["gpt-4o-mini", "meta.llama3-70b-instruct-v1:0"]),
    ],
)
def test_a_task_names_what_its_table_first_named(title: str, first: list[str]) -> None:
    assert TASKS[title].first == first


def test_code_is_generated_by_sonnet_or_mistral() -> None:
    families = {model.family for model in named(*TASKS["Code generation"].first)}

    assert families == {"Claude Sonnet", "Mistral"}


def test_any_model_of_bedrock_keeps_data_in_aws() -> None:
    task = TASKS["AWS data residency"]

    suited = {model.provider_type for model in MODELS.values() if task.suits(model)}
    assert suited == {ProviderType.BEDROCK}


@pytest.mark.parametrize(
    ("model", "on", "status"),
    [
        ("gpt-4-turbo", date(2026, 10, 22), ModelStatus.CURRENT),
        ("gpt-4-turbo", date(2026, 10, 23), ModelStatus.RETIRED),
        ("gpt-4o", TODAY, ModelStatus.LEGACY),
        ("gpt-5", TODAY, ModelStatus.LEGACY),
        ("gpt-5", date(2026, 12, 11), ModelStatus.RETIRED),
        ("claude-opus-4-20250514", TODAY, ModelStatus.RETIRED),
        ("cohere.command-r-plus-v1:0", TODAY, ModelStatus.RETIRED),
        ("amazon.titan-text-express-v1", TODAY, ModelStatus.RETIRED),
        ("meta.llama3-70b-instruct-v1:0", TODAY, ModelStatus.CURRENT),
        ("claude-opus-5-5", TODAY, ModelStatus.CURRENT),
    ],
)
def test_a_model_is_what_its_provider_says_of_it(
    model: str, on: date, status: ModelStatus
) -> None:
    assert MODELS[model].status(on) is status


def test_what_ends_names_what_to_take_instead() -> None:
    ending = [model for model in MODELS.values() if model.retires_on or model.retired]

    assert ending
    for model in ending:
        assert model.replaced_by, model.id
        assert MODELS[model.replaced_by].status(TODAY) is ModelStatus.CURRENT or (
            MODELS[model.replaced_by].retires_on is None
        )


@pytest.mark.parametrize("task", catalogue().tasks, ids=lambda task: task.id)
def test_every_task_has_a_model_of_today(task: Task) -> None:
    assert any(MODELS[each].status(TODAY) is ModelStatus.CURRENT for each in task.today)


@pytest.mark.parametrize("model", catalogue().models, ids=lambda model: model.id)
def test_the_price_book_knows_what_is_offered(model: CatalogueModel) -> None:
    rates = rates_of(model.provider_type, model.id, on=TODAY, usage=Usage())
    window = model.context_window or context_window_of(model.provider_type, model.id)

    assert (rates is None) == (model.id in WITHOUT_PRICE)
    assert (window is None) == (model.id in WITHOUT_PRICE)


@pytest.mark.parametrize(
    "model",
    [each for each in catalogue().models if each.cost and not each.first],
    ids=lambda model: model.id,
)
def test_the_cost_of_what_came_later_is_by_its_price(model: CatalogueModel) -> None:
    rates = rates_of(model.provider_type, model.id, on=TODAY, usage=Usage())
    assert rates is not None
    output = rates.output.of_call(0) if rates.output else rates.input.of_call(0)

    tier = "$" if output <= 1 else "$$" if output <= 15 else "$$$"
    assert model.cost == tier


def quote(model: str, provider_type: ProviderType) -> PriceQuote:
    return PriceQuote(
        provider_type=provider_type,
        model=model,
        provider_id=None,
        at=NOON,
        price_version="1",
        usd_per_million_tokens=TokenPrices(input=Decimal("2.5"), output=Decimal(10)),
        tiers=[],
        unpriced_reason=None,
        context_window=128_000,
    )


async def listed(client: ClientSession, query: str = "") -> dict[str, Any]:
    async with client.get(f"/api/models{query}") as response:
        assert response.status == 200, await response.text()
        body: dict[str, Any] = await response.json()
        return body


async def test_models_are_listed_with_their_prices_those_of_today_first(
    client: ClientSession, neighbours: Neighbours, clock: FakeClock
) -> None:
    clock.time = datetime.fromisoformat("2026-11-28T12:00:00Z")
    neighbours.answer(
        QUOTE_PRICES, PriceQuotes(data=[quote("gpt-4o", ProviderType.OPENAI)])
    )

    body = await listed(client)

    models = {model["id"]: model for model in body["data"]}
    assert models["gpt-4o"]["usd_per_million_tokens"]["input"] == 2.5
    assert models["gpt-4o"]["context_window"] == 128_000
    assert models["gpt-4o"]["status"] == "legacy"
    assert models["gpt-4o"]["tasks"] == ["general_purpose", "customer_support"]
    assert models["gpt-4-turbo"]["replaced_by"] == "gpt-5.6-sol"
    assert models["gpt-4-turbo"]["retires_on"] == "2026-10-23"
    statuses = [model["status"] for model in body["data"]]
    assert statuses == sorted(statuses, key=["current", "legacy", "retired"].index)
    assert body["priced_at"] == "2026-01-01T12:00:00Z"
    asked = neighbours.question(QUOTE_PRICES)
    assert len(asked.models) == len(body["data"])


async def test_tasks_tell_what_to_take_and_nothing_that_has_ended(
    client: ClientSession, clock: FakeClock
) -> None:
    clock.time = datetime.fromisoformat("2026-11-28T12:00:00Z")

    body = await listed(client)

    tasks = {task["id"]: task for task in body["tasks"]}
    assert len(tasks) == 10
    assert {task["table"] for task in tasks.values()} == {"purpose", "complexity"}
    assert tasks["general_purpose"]["models"][-1] == "gpt-4o"
    assert "claude-sonnet-4-20250514" not in tasks["general_purpose"]["models"]
    assert tasks["code_review"]["first_models"] == ["claude-sonnet-4-20250514"]


async def test_models_without_metrics_have_no_prices(client: ClientSession) -> None:
    body = await listed(client)

    assert body["priced_at"] is None
    assert {model["usd_per_million_tokens"] for model in body["data"]} == {None}


async def test_models_are_found_by_task_and_by_type(client: ClientSession) -> None:
    of_task = await listed(client, "?task=code_review")
    of_type = await listed(client, "?provider_type=anthropic")
    of_both = await listed(client, "?task=aws_data_residency&provider_type=openai")

    assert {"claude-sonnet-5-5", "claude-sonnet-4-20250514", "gpt-6.1-sol"} == {
        model["id"] for model in of_task["data"]
    }
    assert {model["provider_type"] for model in of_type["data"]} == {"anthropic"}
    assert of_both["data"] == []


async def test_a_task_nobody_knows_is_named(client: ClientSession) -> None:
    async with client.get("/api/models?task=world_peace") as response:
        body = await response.json()

    assert response.status == 422
    assert body["details"]["fields"][0]["field"] == "task"
