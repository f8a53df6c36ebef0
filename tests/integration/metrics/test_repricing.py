"""Prices made anew, through the service and on real tables."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
import pytest_asyncio

from ag2trust.waiting import until
from metrics.app import serving
from metrics.prices.price_book import VERSION
from metrics.settings import Settings
from shared.bus import NatsBus
from shared.contracts.metrics import (
    GET_REPRICING,
    INGEST,
    REPRICE,
    USAGE_BY,
    USAGE_SUMMARY,
)
from shared.contracts.prices import (
    Reprice,
    Repricing,
    RepricingQuestion,
    RepricingStatus,
)
from shared.contracts.usage import Dimension, UsageByQuestion, UsageQuestion
from shared.errors import InvalidError, RepricingNotFoundError
from shared.ids import new_id

from .conftest import Superuser
from .priced import ACTOR, DAY, MILLION, costs, count_a_million, put, submission
from .records import NOON, batch, call
from .watching import fold

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("metrics")]


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

    await fold(settings)
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


async def test_sums_that_no_rollup_can_hold_keep_no_other_repricing_from_its_end(
    gateway: NatsBus, runner: NatsBus, superuser: Superuser, settings: Settings
) -> None:
    absurd, other = new_id(), new_id()
    await count_a_million(runner, absurd)
    await fold(settings)
    await superuser.execute("UPDATE rollup SET input_tokens = 9223372036854775807")
    await count_a_million(runner, absurd)
    await count_a_million(runner, other)
    for org_id in (absurd, other):
        await put(gateway, org_id, submission("0.5"))
    refused = RepricingQuestion(org_id=absurd, actor=ACTOR, repricing_id=new_id())
    await gateway.ask(
        REPRICE, Reprice(**refused.model_dump(), since=NOON, until=NOON + DAY)
    )

    told = await reprice(gateway, other, NOON, NOON + DAY)

    assert told.calls_changed == 1
    told = await gateway.ask(GET_REPRICING, refused)
    assert (told.status, told.calls_changed) == (RepricingStatus.RUNNING, 0)
