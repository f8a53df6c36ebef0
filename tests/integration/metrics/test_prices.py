"""Overrides, and prices made anew, through the service and on real tables."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from ag2trust.waiting import until
from metrics.app import serving
from metrics.prices.price_book import VERSION
from metrics.settings import Settings
from shared.bus import NatsBus
from shared.contracts.base import Actor, PageQuestion
from shared.contracts.credentials import ProviderType
from shared.contracts.metrics import (
    DELETE_PRICE,
    GET_PRICE,
    GET_REPRICING,
    INGEST,
    LIST_CALLS,
    LIST_PRICES,
    PUT_PRICE,
    QUOTE_PRICE,
    QUOTE_PRICES,
    REPRICE,
    USAGE_BY,
    USAGE_SUMMARY,
    CallRecord,
    CallsQuestion,
    Usage,
)
from shared.contracts.prices import (
    PriceOverride,
    PriceOverrideSubmission,
    PriceQuestion,
    PutPrice,
    QuotedModel,
    QuoteQuestion,
    QuotesQuestion,
    Reprice,
    Repricing,
    RepricingQuestion,
    RepricingStatus,
    TokenPrices,
)
from shared.contracts.usage import Dimension, UsageByQuestion, UsageQuestion
from shared.errors import InvalidError, PriceNotFoundError, RepricingNotFoundError
from shared.ids import new_id

from .conftest import Superuser
from .records import NOON, batch, call

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("metrics")]

ACTOR = Actor(kind="api_key", id="key-1")
DAY = timedelta(days=1)
MILLION = Usage(input_tokens=1_000_000, output_tokens=0)


def submission(dollars: str = "0.5", **changes: Any) -> PriceOverrideSubmission:
    fields: dict[str, Any] = {
        "provider_type": ProviderType.OPENAI,
        "model": "gpt-4o",
        "effective_from": NOON - DAY,
        "usd_per_million_tokens": TokenPrices(
            input=Decimal(dollars), output=Decimal(1)
        ),
    }
    return PriceOverrideSubmission(**(fields | changes))


async def put(
    gateway: NatsBus, org_id: UUID, given: PriceOverrideSubmission
) -> PriceOverride:
    question = PutPrice(
        org_id=org_id, actor=ACTOR, override_id=new_id(), submission=given
    )
    return await gateway.ask(PUT_PRICE, question)


async def count_a_million(runner: NatsBus, org_id: UUID, **changes: Any) -> CallRecord:
    """Count a call of a million tokens of gpt-4o: 2.50 dollars by the book."""
    record = call(**({"org_id": org_id, "model": "gpt-4o", "usage": MILLION} | changes))
    await runner.ask(INGEST, batch(new_id(), [record]))
    return record


async def costs(gateway: NatsBus, org_id: UUID) -> list[tuple[Decimal | None, str]]:
    """Return cost and price version of every call, oldest first."""
    page = await gateway.ask(
        LIST_CALLS, CallsQuestion(org_id=org_id, actor=ACTOR, limit=200)
    )
    return [(each.cost_usd, each.price_version or "") for each in reversed(page.data)]


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


async def reprice(
    gateway: NatsBus, org_id: UUID, since: datetime, until_: datetime
) -> Repricing:
    """Order a repricing and wait for its end."""
    question = RepricingQuestion(org_id=org_id, actor=ACTOR, repricing_id=new_id())
    await gateway.ask(
        REPRICE, Reprice(**question.model_dump(), since=since, until=until_)
    )

    return await until_completed(gateway, question)


async def until_completed(gateway: NatsBus, question: RepricingQuestion) -> Repricing:
    return await until(
        "the end of the repricing",
        lambda: gateway.ask(GET_REPRICING, question),
        lambda told: told.status is RepricingStatus.COMPLETED,
    )


@pytest_asyncio.fixture
async def history(runner: NatsBus) -> AsyncIterator[UUID]:
    """Count 1,200 calls a minute apart, of two models that have a price and one not."""
    org_id, source = new_id(), new_id()
    records = [
        call(
            org_id=org_id,
            model=("gpt-4o", "gpt-4o-mini", "gpt-9-imaginary")[each % 3],
            usage=MILLION,
            labels={"team": "red"},
            started_at=NOON + timedelta(minutes=each // 2),
        )
        for each in range(1_200)
    ]
    for start in range(0, 1_200, 400):
        piece = records[start : start + 400]
        await runner.ask(INGEST, batch(source, piece, start=start + 1))
    yield org_id


async def test_a_repricing_says_what_it_changed_and_the_sums_follow(
    gateway: NatsBus, history: UUID
) -> None:
    await put(gateway, history, submission("0.5"))
    await put(gateway, history, submission("4", model="gpt-9-imaginary"))

    told = await reprice(gateway, history, NOON, NOON + DAY)

    assert told.calls_examined == 1_200
    assert told.calls_changed == 800
    assert [each.model_dump() for each in told.models] == [
        {
            "provider_type": "openai",
            "model": "gpt-4o",
            "calls_changed": 400,
            "newly_priced": 0,
            "newly_unpriced": 0,
            "cost_usd_before": 1000,
            "cost_usd_after": 200,
        },
        {
            "provider_type": "openai",
            "model": "gpt-9-imaginary",
            "calls_changed": 400,
            "newly_priced": 400,
            "newly_unpriced": 0,
            "cost_usd_before": 0,
            "cost_usd_after": 1600,
        },
    ]
    assert told.cost_usd_before == 1000
    assert told.cost_usd_after == 1800
    summary = await gateway.ask(
        USAGE_SUMMARY, UsageQuestion(org_id=history, actor=ACTOR)
    )
    assert summary.cost_usd == 200 + 60 + 1600
    assert summary.unpriced_calls == 0


async def test_a_second_repricing_changes_nothing(
    gateway: NatsBus, history: UUID, superuser: Superuser
) -> None:
    await put(gateway, history, submission("0.5"))
    await reprice(gateway, history, NOON, NOON + DAY)
    sums = await superuser.fetch("SELECT * FROM rollup ORDER BY 1, 2, 3, 4, 5")

    told = await reprice(gateway, history, NOON, NOON + DAY)

    assert (told.calls_examined, told.calls_changed, told.models) == (1_200, 0, [])
    assert await superuser.fetch("SELECT * FROM rollup ORDER BY 1, 2, 3, 4, 5") == sums


async def test_a_repricing_touches_its_period_and_its_organization_alone(
    runner: NatsBus, gateway: NatsBus, history: UUID
) -> None:
    stranger = new_id()
    await count_a_million(runner, stranger, model="gpt-4o")
    await put(gateway, history, submission("0.5"))
    since, until_ = NOON + timedelta(minutes=90), NOON + timedelta(minutes=180)

    told = await reprice(gateway, history, since, until_)

    assert told.calls_examined == 180
    assert told.calls_changed == 60
    within = await gateway.ask(
        USAGE_BY,
        UsageByQuestion(
            org_id=history,
            actor=ACTOR,
            dimension=Dimension.MODEL,
            since=since,
            until=until_,
        ),
    )
    assert {row.key: row.cost_usd for row in within.data} == {
        "gpt-4o": 30,
        "gpt-4o-mini": 9,
        "gpt-9-imaginary": None,
    }
    before = await gateway.ask(
        USAGE_SUMMARY, UsageQuestion(org_id=history, actor=ACTOR, until=since)
    )
    assert before.cost_usd == 60 * Decimal("2.5") + 60 * Decimal("0.15")
    assert await costs(gateway, stranger) == [(Decimal("2.5"), VERSION)]


async def test_calls_that_come_meanwhile_are_priced_and_summed_up_right(
    settings: Settings,
    runner: NatsBus,
    gateway: NatsBus,
    history: UUID,
    superuser: Superuser,
) -> None:
    await put(gateway, history, submission("0.5"))

    async def count() -> None:
        for each in range(100):
            await count_a_million(
                runner, history, started_at=NOON + timedelta(minutes=6 * each)
            )

    async with serving(settings):  # a second process of the service, as it were
        await asyncio.gather(
            reprice(gateway, history, NOON, NOON + DAY),
            reprice(gateway, history, NOON, NOON + DAY),
            count(),
        )

    exact = await superuser.fetchval("SELECT sum(cost) FROM call")
    assert exact == 400 * Decimal("0.5") + 400 * Decimal("0.15") + 100 * Decimal("0.5")
    sums = await superuser.fetch(
        """
        SELECT
            sum(cost) AS cost,
            sum(calls)::integer AS calls,
            sum(unpriced_calls)::integer AS unpriced_calls
        FROM rollup
        WHERE dimension IN ('organization', 'model', 'provider_type')
            AND grain <> 'minute'
        GROUP BY grain, dimension
        """
    )
    assert {(row["cost"], row["calls"], row["unpriced_calls"]) for row in sums} == {
        (exact, 1_300, 400)
    }


async def test_a_repricing_that_was_cut_short_goes_on_where_it_was(
    gateway: NatsBus, history: UUID, superuser: Superuser
) -> None:
    """Half of it is done, as a process that died would have left it."""
    await put(gateway, history, submission("0.5"))
    half = NOON + timedelta(minutes=300)
    await reprice(gateway, history, NOON, half)
    repricing_id = new_id()
    await superuser.execute(
        """
        INSERT INTO repricing (
            org_id, id, since, until, after_started_at, after_call_id, calls_examined
        )
        VALUES ($1, $2, $3, $4, $5, $6, 600)
        """,
        history,
        repricing_id,
        NOON,
        NOON + DAY,
        half,
        UUID(int=0),
    )
    question = RepricingQuestion(org_id=history, actor=ACTOR, repricing_id=repricing_id)

    told = await until_completed(gateway, question)

    assert told.calls_examined == 1_200
    assert told.calls_changed == 200
    assert (
        await superuser.fetchval(
            "SELECT count(*) FROM call WHERE model = 'gpt-4o' AND cost = 0.5"
        )
        == 400
    )


async def test_the_same_order_again_is_the_same_repricing(
    gateway: NatsBus, superuser: Superuser
) -> None:
    order = Reprice(
        org_id=new_id(),
        actor=ACTOR,
        repricing_id=new_id(),
        since=NOON,
        until=NOON + DAY,
    )

    first = await gateway.ask(REPRICE, order)
    again = await gateway.ask(REPRICE, order)

    assert (first.id, first.since, first.until) == (again.id, again.since, again.until)
    acts = await superuser.fetch("SELECT act FROM audit")
    assert [row["act"] for row in acts] == ["repricing.started"]


async def test_a_period_that_ends_before_it_begins_is_refused(gateway: NatsBus) -> None:
    order = Reprice(
        org_id=new_id(), actor=ACTOR, repricing_id=new_id(), since=NOON, until=NOON
    )

    with pytest.raises(InvalidError):
        await gateway.ask(REPRICE, order)


async def test_a_repricing_of_another_organization_is_not_found(
    gateway: NatsBus,
) -> None:
    order = Reprice(
        org_id=new_id(),
        actor=ACTOR,
        repricing_id=new_id(),
        since=NOON,
        until=NOON + DAY,
    )
    await gateway.ask(REPRICE, order)

    with pytest.raises(RepricingNotFoundError):
        await gateway.ask(
            GET_REPRICING,
            RepricingQuestion(
                org_id=new_id(), actor=ACTOR, repricing_id=order.repricing_id
            ),
        )
