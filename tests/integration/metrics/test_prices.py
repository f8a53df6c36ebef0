"""Overrides and quotes, through the service and on real tables."""

import asyncio
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from metrics.prices.price_book import VERSION
from shared.bus import NatsBus
from shared.contracts.base import PageQuestion
from shared.contracts.credentials import ProviderType
from shared.contracts.metrics import (
    DELETE_PRICE,
    GET_PRICE,
    LIST_PRICES,
    PUT_PRICE,
    QUOTE_PRICE,
    QUOTE_PRICES,
)
from shared.contracts.prices import (
    PriceOverrideSubmission,
    PriceQuestion,
    PriceTerms,
    PutPrice,
    QuotedModel,
    QuoteQuestion,
    QuotesQuestion,
    TokenPrices,
)
from shared.errors import PriceNotFoundError
from shared.ids import new_id

from .conftest import Superuser
from .priced import ACTOR, DAY, costs, count_a_million, put, submission
from .records import NOON

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("metrics")]


async def test_an_override_prices_the_calls_that_are_counted_from_then_on(
    runner: NatsBus, gateway: NatsBus
) -> None:
    org_id = new_id()
    await count_a_million(runner, org_id)

    mine = await put(gateway, org_id, submission())
    await count_a_million(runner, org_id, started_at=NOON + timedelta(seconds=1))
    await count_a_million(runner, org_id, started_at=NOON + timedelta(seconds=2))

    own = (Decimal("0.5"), f"override-{mine.id}.1")
    assert await costs(gateway, org_id) == [(Decimal("2.5"), VERSION), own, own]


async def test_an_override_is_the_organizations_alone(
    runner: NatsBus, gateway: NatsBus
) -> None:
    org_id, stranger = new_id(), new_id()
    mine = await put(gateway, org_id, submission())

    await count_a_million(runner, stranger)
    listed = await gateway.ask(LIST_PRICES, PageQuestion(org_id=stranger, actor=ACTOR))
    about_mine = PriceQuestion(org_id=stranger, actor=ACTOR, override_id=mine.id)
    with pytest.raises(PriceNotFoundError):
        await gateway.ask(GET_PRICE, about_mine)
    with pytest.raises(PriceNotFoundError):
        await gateway.ask(DELETE_PRICE, about_mine)

    assert await costs(gateway, stranger) == [(Decimal("2.5"), VERSION)]
    assert listed.data == []


async def test_an_override_reads_as_it_was_put(gateway: NatsBus) -> None:
    org_id = new_id()
    given = submission(
        provider_id=new_id(),
        effective_to=NOON + DAY,
        usd_per_million_tokens=TokenPrices(
            input=Decimal("0.000001"),
            output=Decimal("123456.789"),
            cached_input=Decimal(0),
            cache_write_5m=Decimal("1.25"),
            cache_write_1h=Decimal("2.5"),
        ),
    )

    mine = await put(gateway, org_id, given)

    found = await gateway.ask(
        GET_PRICE, PriceQuestion(org_id=org_id, actor=ACTOR, override_id=mine.id)
    )
    listed = await gateway.ask(LIST_PRICES, PageQuestion(org_id=org_id, actor=ACTOR))
    assert found == mine
    assert listed.data == [mine]
    assert listed.book_version == VERSION
    as_given = found.model_dump(include=set(PriceOverrideSubmission.model_fields))
    assert as_given == given.model_dump()


async def test_one_of_the_same_reach_and_beginning_is_replaced(
    gateway: NatsBus, superuser: Superuser
) -> None:
    org_id = new_id()
    first = await put(gateway, org_id, submission("1"))

    again = await put(gateway, org_id, submission("1"))
    changed = await put(gateway, org_id, submission("2"))
    others = [
        await put(gateway, org_id, submission(provider_id=new_id())),
        await put(gateway, org_id, submission(model="*")),
        await put(gateway, org_id, submission(effective_from=NOON)),
    ]

    assert again == first
    assert (changed.id, changed.version) == (first.id, 2)
    assert changed.usd_per_million_tokens.input == 2
    listed = await gateway.ask(LIST_PRICES, PageQuestion(org_id=org_id, actor=ACTOR))
    assert listed.data == [*reversed(others), changed]
    acts = await superuser.fetch("SELECT act, object_id FROM audit ORDER BY id")
    assert [(row["act"], row["object_id"]) for row in acts] == [
        ("price.put", first.id),
        ("price.put", first.id),
        *(("price.put", each.id) for each in others),
    ]


@pytest.mark.torture
async def test_twins_are_one_override_and_never_refused(gateway: NatsBus) -> None:
    org_id = new_id()

    for number in range(150):
        question = PutPrice(
            org_id=org_id,
            actor=ACTOR,
            override_id=new_id(),
            submission=submission(model=f"model-{number}"),
        )
        put_at_once = await asyncio.gather(
            *(gateway.ask(PUT_PRICE, question) for _ in range(6))
        )

        assert {each.id for each in put_at_once} == {question.override_id}


async def test_a_deleted_override_prices_no_more_and_is_audited(
    runner: NatsBus, gateway: NatsBus, superuser: Superuser
) -> None:
    org_id = new_id()
    mine = await put(gateway, org_id, submission())
    question = PriceQuestion(org_id=org_id, actor=ACTOR, override_id=mine.id)

    await gateway.ask(DELETE_PRICE, question)
    await count_a_million(runner, org_id)

    assert await costs(gateway, org_id) == [(Decimal("2.5"), VERSION)]
    with pytest.raises(PriceNotFoundError):
        await gateway.ask(DELETE_PRICE, question)
    last = await superuser.fetchrow("SELECT * FROM audit ORDER BY id DESC LIMIT 1")
    assert last is not None
    assert (last["act"], last["object_id"]) == ("price.deleted", mine.id)
    assert (last["actor_kind"], last["actor_id"]) == ("api_key", "key-1")


async def test_a_quote_tells_prices_tiers_and_where_they_come_from(
    gateway: NatsBus,
) -> None:
    org_id = new_id()
    question: dict[str, Any] = {
        "org_id": org_id,
        "actor": ACTOR,
        "provider_type": ProviderType.OPENAI,
        "at": datetime.fromisoformat("2026-11-22T12:00:00Z"),
    }
    mine = await put(gateway, org_id, submission())

    listed = await gateway.ask(
        QUOTE_PRICE, QuoteQuestion(**question, model="gpt-6.1-sol")
    )
    own = await gateway.ask(QUOTE_PRICE, QuoteQuestion(**question, model="gpt-4o"))
    unknown = await gateway.ask(QUOTE_PRICE, QuoteQuestion(**question, model="gpt-9"))
    sooner = await gateway.ask(
        QUOTE_PRICE,
        QuoteQuestion(
            **question, model="gpt-5", terms=PriceTerms(service_tier="priority")
        ),
    )

    assert sooner.usd_per_million_tokens is not None
    assert sooner.usd_per_million_tokens.input == Decimal("2.5")
    assert listed.price_version == VERSION
    assert listed.usd_per_million_tokens == TokenPrices(
        input=Decimal(2),
        output=Decimal(10),
        cached_input=Decimal("0.1"),
        cache_write_5m=Decimal("2.5"),
        cache_write_1h=Decimal("2.5"),
    )
    [tier] = listed.tiers
    assert tier.above_input_tokens == 272_000
    assert tier.usd_per_million_tokens.output == 15
    assert own.price_version == f"override-{mine.id}.1"
    assert own.usd_per_million_tokens == mine.usd_per_million_tokens
    assert unknown.usd_per_million_tokens is None
    assert unknown.unpriced_reason == "MODEL_UNKNOWN"


async def test_many_quotes_are_told_at_once_in_the_order_they_were_asked_for(
    gateway: NatsBus,
) -> None:
    org_id = new_id()
    mine = await put(gateway, org_id, submission())
    models = [
        QuotedModel(provider_type=ProviderType.OPENAI, model=model)
        for model in ("gpt-9", "gpt-4o", "gpt-6.1-sol")
    ]

    quotes = await gateway.ask(
        QUOTE_PRICES, QuotesQuestion(org_id=org_id, actor=ACTOR, models=models)
    )

    unknown, own, listed = quotes.data
    assert (unknown.usd_per_million_tokens, unknown.context_window) == (None, None)
    assert own.usd_per_million_tokens == mine.usd_per_million_tokens
    assert own.context_window == 128_000
    assert listed.price_version == VERSION
