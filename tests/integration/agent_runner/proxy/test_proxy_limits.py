"""Calls that are limited: by their provider, and by budgets."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.integration.agent_runner.limits.record import open_record

from ag2trust.testing import Stack
from ag2trust_sandbox import Sandbox
from agent_runner.hosted_agents import MessageInHand
from agent_runner.limits.active_budgets import ActiveBudgets
from agent_runner.limits.budget import ActiveBudget
from agent_runner.limits.leasing import Leasing
from agent_runner.proxy.limited_calls import LimitedCalls
from agent_runner.proxy.prices import Prices
from shared.bus import answer
from shared.contracts.credentials import ProviderLimits
from shared.contracts.limits import BudgetMode, BudgetPeriod, BudgetScope, ScopeKind
from shared.contracts.metrics import QUOTE_PRICE
from shared.contracts.prices import (
    PriceQuote,
    PriceTerms,
    QuoteQuestion,
    TokenPrices,
    UnpricedReason,
)
from shared.ids import new_id
from shared.testing import FakeBus

from .proxying import MODEL, Answer, Proxy, open_proxy

CHAT = "chat/completions"
AT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Limited:
    """A proxy whose limits a test sets."""

    proxy: Proxy
    leasing: Leasing
    budgets: ActiveBudgets
    all_budgets: list[ActiveBudget] = field(default_factory=list)
    price: TokenPrices | None = None
    prices: dict[PriceTerms, TokenPrices] = field(default_factory=dict)
    versions: int = 1

    def set(self, **limits: int) -> None:
        """Change the provider's limits, as the renewal of its lease does."""
        self.versions += 1
        self.proxy.change_credential(
            limits=ProviderLimits(**limits), provider_version=self.versions
        )

    async def budget(
        self,
        amount: int,
        *,
        is_in_dollars: bool = False,
        scope: ScopeKind = ScopeKind.ORGANIZATION,
        mode: BudgetMode = BudgetMode.HARD,
    ) -> None:
        ids = {
            ScopeKind.AGENT: self.proxy.agent.id,
            ScopeKind.AGENT_TYPE: self.proxy.agent.agent_type.id,
            ScopeKind.PROVIDER: self.proxy.agent.lease.credential.provider_id,
        }
        self.all_budgets.append(
            ActiveBudget(
                id=new_id(),
                org_id=self.proxy.agent.org_id,
                name="budget",
                scope=BudgetScope(kind=scope, id=ids.get(scope)),
                is_in_dollars=is_in_dollars,
                amount=amount,
                period=BudgetPeriod.DAY,
                time_zone="UTC",
                mode=mode,
                warn_at_percent=80,
                version=1,
                created_at=AT,
                updated_at=AT,
            )
        )
        await self.budgets.look()

    async def ask(self, **more: Any) -> Answer:
        body = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]}
        return await self.proxy.ask(CHAT, json.dumps(body | more).encode())

    async def quote(self, question: QuoteQuestion) -> PriceQuote:
        return PriceQuote(
            provider_type=question.provider_type,
            model=question.model,
            provider_id=question.provider_id,
            at=AT,
            price_version="test",
            usd_per_million_tokens=self.prices.get(question.terms, self.price),
            tiers=[],
            unpriced_reason=None if self.price else UnpricedReason.MODEL_UNKNOWN,
        )


@pytest.fixture
async def limited(
    stack: Stack, spool_folder: Path, sandbox: Sandbox
) -> AsyncIterator[Limited]:
    bus = FakeBus()
    rows: list[ActiveBudget] = []

    async def read() -> list[ActiveBudget]:
        return list(rows)

    async with open_record(stack) as record, record.runner("one") as leasing:
        budgets = ActiveBudgets(read)
        calls = LimitedCalls(leasing, budgets=budgets, prices=Prices(bus))
        async with open_proxy(spool_folder, sandbox.base_url, limits=calls) as proxy:
            limited = Limited(proxy, leasing, budgets, all_budgets=rows)
            bus.serve(answer(QUOTE_PRICE, limited.quote))
            yield limited


async def test_as_many_calls_pass_as_the_limit_has_and_the_others_hear_when(
    limited: Limited, sandbox: Sandbox
) -> None:
    limited.set(requests_per_minute=5)

    answers = await asyncio.gather(*(limited.ask() for _ in range(20)))
    refused = [each for each in answers if each.status == 429]

    assert len(refused) == 15
    assert sandbox.request_count == 5
    assert refused[0].code == "rate_limited"
    assert 55 <= int(refused[0].headers["retry-after"]) <= 60
    message = json.loads(refused[0].body)["error"]["message"]
    assert 'The provider "sandbox" allows 5 requests a minute; 0 left' in message
    assert len(await limited.proxy.settled(5)) == 5


async def test_a_limit_that_is_raised_or_taken_away_holds_at_once(
    limited: Limited,
) -> None:
    limited.set(requests_per_minute=1)
    first, second = await limited.ask(), await limited.ask()

    limited.set(requests_per_minute=2)
    third, fourth = await limited.ask(), await limited.ask()
    limited.set()
    fifth = await limited.ask()

    statuses = [each.status for each in (first, second, third, fourth, fifth)]
    assert statuses == [200, 429, 200, 429, 200]
    await limited.proxy.settled(3)


async def test_calls_at_once_are_limited_until_they_end(limited: Limited) -> None:
    limited.set(concurrent=2)

    one_by_one = [await limited.ask() for _ in range(6)]

    assert [each.status for each in one_by_one] == [200] * 6
    await limited.proxy.settled(6)


async def test_a_call_is_charged_what_it_used_not_what_it_reserved(
    limited: Limited,
) -> None:
    limited.set(tokens_per_minute=1000)

    answers = [await limited.ask(max_tokens=900) for _ in range(3)]

    assert [each.status for each in answers] == [200] * 3
    await limited.proxy.settled(3)


async def test_a_call_that_may_take_more_than_ever_allowed_is_told_so(
    limited: Limited,
) -> None:
    limited.set(tokens_per_minute=1000)

    answer = await limited.ask(max_tokens=2000)

    assert (answer.status, answer.code) == (429, "limit_too_small")
    assert answer.headers["x-should-retry"] == "false"
    assert limited.proxy.records() == []


async def test_a_message_is_explained_by_the_limit_that_its_call_met(
    limited: Limited,
) -> None:
    in_hand = limited.proxy.agent.in_hand = MessageInHand(new_id(), new_id())
    limited.set(tokens_per_minute=1000)

    await limited.ask(max_tokens=2000)
    refused = in_hand.failure
    await limited.ask(max_tokens=10)

    assert refused is not None
    assert refused.code == "LIMIT_TOO_SMALL"
    assert 'The provider "sandbox" allows 1000 tokens a minute' in refused.message
    assert "raise the limit" in refused.fix
    assert in_hand.failure is None
    await limited.proxy.settled(1)


async def test_a_call_that_could_take_anything_is_refused_where_tokens_count(
    limited: Limited, sandbox: Sandbox
) -> None:
    limited.set(tokens_per_minute=1000)

    answer = await limited.ask()

    assert (answer.status, answer.code) == (400, "output_limit_required")
    assert sandbox.request_count == 0
    assert limited.proxy.records() == []


async def test_the_agent_types_figure_is_written_into_a_call_that_names_none(
    limited: Limited, sandbox: Sandbox
) -> None:
    limited.set(tokens_per_minute=1000)
    limited.proxy.change_type(max_tokens=50)

    answer = await limited.ask()

    assert answer.status == 200
    assert json.loads(sandbox.requests[0].body)["max_completion_tokens"] == 50
    await limited.proxy.settled(1)


@pytest.mark.parametrize("scope", list(ScopeKind))
async def test_a_budget_of_tokens_refuses_what_it_cannot_pay(
    limited: Limited, scope: ScopeKind
) -> None:
    await limited.budget(300, scope=scope)

    passed = await limited.ask(max_tokens=200)
    await limited.budget(10, scope=scope)
    refused = await limited.ask(max_tokens=200)

    assert passed.status == 200
    assert refused.status == 429
    assert refused.headers["x-should-retry"] == "false"
    await limited.proxy.settled(1)


async def test_a_spent_budget_says_when_there_is_a_new_one(limited: Limited) -> None:
    await limited.budget(400)

    answers = [await limited.ask(max_tokens=300) for _ in range(20)]
    spent = next(each for each in answers if each.status == 429)

    assert spent.code == "budget_spent"
    assert int(spent.headers["retry-after"]) <= 24 * 3600
    await limited.proxy.settled(sum(each.status == 200 for each in answers))


@pytest.mark.parametrize("is_in_dollars", [False, True])
@pytest.mark.parametrize("price", [None, Decimal(1_000)])
@pytest.mark.parametrize("bound", [{"max_tokens": 100}, {}])
async def test_a_budget_that_only_warns_refuses_nothing(
    limited: Limited,
    bound: dict[str, int],
    price: Decimal | None,
    *,
    is_in_dollars: bool,
) -> None:
    if price is not None:
        limited.price = TokenPrices(input=price, output=price)
    await limited.budget(1, mode=BudgetMode.WARN, is_in_dollars=is_in_dollars)

    answers = [await limited.ask(**bound) for _ in range(3)]

    assert [each.status for each in answers] == [200] * 3
    await limited.proxy.settled(3)


async def test_a_hard_budget_beside_one_that_warns_refuses_as_ever(
    limited: Limited, sandbox: Sandbox
) -> None:
    await limited.budget(1, mode=BudgetMode.WARN, is_in_dollars=True)
    await limited.budget(10_000)

    assert (await limited.ask()).status == 400
    assert (await limited.ask(max_tokens=20_000)).code == "limit_too_small"
    assert (await limited.ask(max_tokens=100)).status == 200
    assert sandbox.request_count == 1
    await limited.proxy.settled(1)


async def test_dollars_are_counted_by_the_price_of_the_model(limited: Limited) -> None:
    limited.price = TokenPrices(input=Decimal(1), output=Decimal(1_000))
    await limited.budget(1_000_000_000, is_in_dollars=True)  # a dollar: 1000 tokens

    small = await limited.ask(max_tokens=500)
    large = await limited.ask(max_tokens=1_000)

    assert small.status == 200
    assert (large.status, large.code) == (429, "limit_too_small")
    await limited.proxy.settled(1)


async def test_dollars_are_counted_on_the_terms_that_a_call_names(
    limited: Limited,
) -> None:
    limited.price = TokenPrices(input=Decimal(1), output=Decimal(1_000))
    dearer = TokenPrices(input=Decimal(2), output=Decimal(2_000))
    limited.prices[PriceTerms(service_tier="priority")] = dearer
    await limited.budget(1_000_000_000, is_in_dollars=True)

    usual = await limited.ask(max_tokens=800)
    sooner = await limited.ask(max_tokens=800, service_tier="priority")

    assert usual.status == 200
    assert (sooner.status, sooner.code) == (429, "limit_too_small")
    await limited.proxy.settled(1)


async def test_a_free_model_takes_nothing_of_a_budget_in_dollars(
    limited: Limited,
) -> None:
    limited.price = TokenPrices(input=Decimal(0), output=Decimal(0))
    await limited.budget(0, is_in_dollars=True)

    assert (await limited.ask(max_tokens=10)).status == 200
    await limited.proxy.settled(1)


async def test_a_budget_in_dollars_refuses_a_model_without_a_price(
    limited: Limited, sandbox: Sandbox
) -> None:
    await limited.budget(1_000_000_000, is_in_dollars=True)

    answer = await limited.ask(max_tokens=10)

    assert (answer.status, answer.code) == (403, "model_not_priced")
    assert sandbox.request_count == 0


async def test_a_call_that_asks_for_absurdly_much_is_refused_like_any_other(
    limited: Limited,
) -> None:
    limited.price = TokenPrices(input=Decimal(1_000_000), output=Decimal(1_000_000))
    await limited.budget(1_000_000_000, is_in_dollars=True)
    most = 1_000_000_000

    answers = [await limited.ask(max_tokens=most, n=most) for _ in range(2)]

    assert [each.code for each in answers] == ["limit_too_small"] * 2
