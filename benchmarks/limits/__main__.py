"""What limits cost a call, and how often they decide: `python -m benchmarks.limits`.

PostgreSQL is a real one on this machine, started for the run. The first table is the
time that one call takes to be admitted and settled, alone on its event loop: the best
of several rounds, without the call itself. The second counts decisions of three
runners, each a process, on one limit: one that all share ahead, and one that is asked
for call by call and mostly refuses.
"""

import argparse
import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from uuid import UUID

from benchmarks.limits.deciding import CALLERS, Decided, decide
from benchmarks.proxy.asking import MODEL, PLAIN, chat, token_of
from benchmarks.proxy.ours import agent

from ag2trust.testing import Stack, fresh_stack, running_servers
from agent_runner.limits.active_budgets import ActiveBudgets
from agent_runner.limits.budget import ActiveBudget
from agent_runner.limits.leasing import Leasing
from agent_runner.limits.limit import LimitKind
from agent_runner.proxy.counting import Count, End
from agent_runner.proxy.limited_calls import LimitedCalls
from agent_runner.proxy.openai.wire_format import OPENAI
from agent_runner.proxy.prices import Prices
from agent_runner.proxy.wire_format import Asked
from agent_runner.repositories.limit_shares import ShareRepository
from agent_runner.settings import Settings
from agent_runner.used import Used
from shared.bus import answer
from shared.contracts.base import Service
from shared.contracts.credentials import ProviderLimits
from shared.contracts.limits import BudgetMode, BudgetPeriod, BudgetScope, ScopeKind
from shared.contracts.metrics import QUOTE_PRICE, UsageSource
from shared.contracts.prices import PriceQuote, QuoteQuestion, TokenPrices
from shared.database import connect_database
from shared.ids import new_id
from shared.lifecycle import background
from shared.migrations import migrate
from shared.testing import FakeBus

RUNNERS = 3
CALLS = 3_000
ROUNDS = 7
PLENTY = 1_000_000_000
USED = Count(Used(input_tokens=40, output_tokens=60), UsageSource.REPORTED)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each load")
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # noqa: PTH101, S103 - PostgreSQL's account passes
        async with (
            running_servers(Path(folder) / "servers") as servers,
            fresh_stack(servers, Path(folder)) as stack,
        ):
            settings = stack.settings(Settings, Service.AGENT_RUNNER)
            await migrate(settings, "agent_runner.migrations")
            await show_costs(settings)
            show_decisions(stack, seconds)


async def show_costs(settings: Settings) -> None:
    print("A call's admission and settlement, µs")
    without = await cost(settings, ProviderLimits(), budgets=[])
    print(f"{'no limit':<44}{without:>10.1f}")
    limits = ProviderLimits(requests_per_minute=PLENTY, tokens_per_minute=PLENTY)
    for what, budgets in (
        ("requests and tokens a minute", []),
        ("and a budget of tokens", [False]),
        ("and one of dollars", [False, True]),
    ):
        spent = await cost(settings, limits, budgets=budgets)
        print(f"{what:<44}{spent:>10.1f}")


async def cost(
    settings: Settings, limits: ProviderLimits, *, budgets: Sequence[bool]
) -> float:
    """Return the least microseconds that a call took in one of the rounds."""
    caller = agent("http://127.0.0.1:1/v1", token=token_of(PLAIN))
    caller.agent_type = caller.agent_type.model_copy(update={"max_tokens": 100})
    credential = caller.lease.credential.model_copy(update={"limits": limits})
    route = OPENAI.route_of("POST", "chat/completions", "")
    asked = Asked(route, OPENAI.read_request(route, chat(MODEL)), [])
    rows = [budget(caller.org_id, is_in_dollars=each) for each in budgets]

    async def read() -> list[ActiveBudget]:
        return rows

    bus = FakeBus()
    bus.serve(answer(QUOTE_PRICE, quote))
    active = ActiveBudgets(read)
    await active.look()
    async with connect_database(settings) as database:
        leasing = Leasing(ShareRepository(database, runner="runner", epoch=1))
        calls = LimitedCalls(leasing, budgets=active, prices=Prices(bus))

        async def call() -> None:
            bounded = calls.bounded(caller, credential, asked, OPENAI)
            admission = await calls.admit(caller, credential, bounded)
            admission.settle(End.ANSWERED, USED)

        async with background(leasing.run()):
            return min([await measured(call) for _ in range(ROUNDS)])


async def measured(call: Callable[[], Awaitable[None]]) -> float:
    began = perf_counter()
    for _ in range(CALLS):
        await call()
    spent = perf_counter() - began
    await asyncio.sleep(0)  # whoever settles has a turn
    return spent / CALLS * 1e6


def budget(org_id: UUID, *, is_in_dollars: bool) -> ActiveBudget:
    now = datetime.now(UTC)
    return ActiveBudget(
        id=new_id(),
        org_id=org_id,
        name="budget",
        scope=BudgetScope(kind=ScopeKind.ORGANIZATION),
        is_in_dollars=is_in_dollars,
        amount=PLENTY * PLENTY,
        period=BudgetPeriod.MONTH,
        time_zone="UTC",
        mode=BudgetMode.HARD,
        warn_at_percent=80,
        version=1,
        created_at=now,
        updated_at=now,
    )


async def quote(question: QuoteQuestion) -> PriceQuote:
    return PriceQuote(
        provider_type=question.provider_type,
        model=question.model,
        provider_id=question.provider_id,
        at=datetime.now(UTC),
        price_version="benchmark",
        usd_per_million_tokens=TokenPrices(input=Decimal(1), output=Decimal(10)),
        tiers=[],
        unpriced_reason=None,
    )


def show_decisions(stack: Stack, seconds: float) -> None:
    print(f"\nDecisions of {RUNNERS} runners with {CALLERS} callers each, one limit")
    url = stack.settings(Settings, Service.AGENT_RUNNER)
    with ProcessPoolExecutor(RUNNERS, mp_context=get_context("spawn")) as processes:
        for what, amount in (
            ("a limit that nobody reaches", PLENTY),
            ("a limit of 500 a minute", 500),
        ):
            key = f"provider:{new_id()}:{LimitKind.REQUESTS}"
            decided = [
                each.result()
                for each in [
                    processes.submit(decide, url, f"runner-{n}", key, amount, seconds)
                    for n in range(RUNNERS)
                ]
            ]
            show_decided(what, decided)


def show_decided(what: str, decided: Sequence[Decided]) -> None:
    admitted = sum(each.admitted for each in decided)
    refused = sum(each.refused for each in decided)
    longest = max(each.seconds for each in decided)
    print(
        f"{what:<44}{(admitted + refused) / longest:>10.0f} /s,"
        f" {admitted} admitted, {refused} refused"
    )


if __name__ == "__main__":
    asyncio.run(main())
