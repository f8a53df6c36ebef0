"""`ag2trust budgets`: what may be spent, and how much of it is."""

from typing import Any, get_args

import click

from ag2trust_client import Client, every
from ag2trust_client.models import (
    Budget,
    BudgetMode,
    BudgetPatch,
    BudgetPeriod,
    BudgetScopeInput,
    BudgetSubmission,
)

from .budget_options import WHEN_SPENT
from .calling import calling
from .formats import dollars, moment, number, percent
from .naming import (
    Names,
    agent_named,
    agent_type_named,
    budget_named,
    names_of,
    provider_named,
)
from .numbers import FiniteRange
from .output import as_json, said, show, show_all
from .tables import Column

__all__ = ["budgets"]


@click.group()
def budgets() -> None:
    """See and set what may be spent in a day or month."""


@budgets.command("list")
@as_json
@calling
async def list_budgets(client: Client, *, is_json: bool) -> None:
    """List the budgets and how they stand."""
    found = [each async for each in every(client.list_budgets)]
    show_all(
        found,
        _columns(await names_of(client, "agents", "agent_types", "providers")),
        is_json=is_json,
        if_none="There are no budgets yet; `ag2trust budgets add` adds one.",
    )


@budgets.command("add")
@click.argument("name")
@click.option("--usd", type=FiniteRange(min=0), help="At most so many dollars.")
@click.option("--tokens", type=click.IntRange(min=0), help="At most so many tokens.")
@click.option(
    "--period",
    type=click.Choice(get_args(BudgetPeriod)),
    default="month",
    show_default=True,
    help="In which time.",
)
@click.option("--agent", help="Of this agent's calls.")
@click.option("--type", "slug", help="Of the calls of this agent type, by slug.")
@click.option("--provider", help="Of the calls that this provider answers.")
@click.option(
    "--mode",
    type=click.Choice(get_args(BudgetMode)),
    default="hard",
    show_default=True,
    help="Whether calls are refused when it is spent, or it is only told.",
)
@click.option("--time-zone", help="Whose days and months; UTC if not told.")
@as_json
@calling
async def add_budget(
    client: Client,
    /,
    *,
    name: str,
    agent: str | None,
    slug: str | None,
    provider: str | None,
    is_json: bool,
    **given: Any,
) -> None:
    """Add a budget called NAME: of all calls, or of one agent, type or provider."""
    scope = await _scope(client, agent=agent, slug=slug, provider=provider)
    told = {field: value for field, value in given.items() if value is not None}
    made = await client.create_budget(BudgetSubmission(name=name, scope=scope, **told))
    await _tell(client, made, is_json=is_json)


@budgets.command("change")
@click.argument("name")
@click.option("--usd", type=FiniteRange(min=0), help="At most so many dollars.")
@click.option("--tokens", type=click.IntRange(min=0), help="At most so many tokens.")
@click.option(
    "--mode",
    type=click.Choice(get_args(BudgetMode)),
    help="Whether calls are refused when it is spent, or it is only told.",
)
@as_json
@calling
async def change_budget(
    client: Client, /, *, name: str, is_json: bool, **given: Any
) -> None:
    """Change the budget NAME; what is used stays used."""
    told = {field: value for field, value in given.items() if value is not None}
    if not told:
        raise click.UsageError("There is nothing to change.")
    budget = await budget_named(client, name)
    changed = await client.update_budget(
        budget.id, BudgetPatch(**told), if_match=str(budget.version)
    )
    await _tell(client, changed, is_json=is_json)


@budgets.command("delete")
@click.argument("name")
@calling
async def delete_budget(client: Client, *, name: str) -> None:
    """Delete the budget NAME; calls are limited by it no more."""
    budget = await budget_named(client, name)
    await client.delete_budget(budget.id)
    said(f"{budget.name} is deleted.")


async def _scope(
    client: Client, *, agent: str | None, slug: str | None, provider: str | None
) -> BudgetScopeInput:
    match agent, slug, provider:
        case None, None, None:
            return BudgetScopeInput(kind="organization")
        case str(), None, None:
            found = await agent_named(client, agent)
            return BudgetScopeInput(kind="agent", id=found.id)
        case None, str(), None:
            kind = await agent_type_named(client, slug)
            return BudgetScopeInput(kind="agent_type", id=kind.id)
        case None, None, str():
            whose = await provider_named(client, provider)
            return BudgetScopeInput(kind="provider", id=whose.id)
        case _:
            raise click.UsageError("Say --agent, --type or --provider, or none.")


async def _tell(client: Client, budget: Budget, *, is_json: bool) -> None:
    names = await names_of(client, "agents", "agent_types", "providers")
    pairs = [
        ("name", budget.name),
        ("of", _whose(budget, names)),
        ("at most", f"{_amount(budget, _limit(budget))} a {budget.period}"),
        ("used", _amount(budget, budget.used)),
        ("left", _amount(budget, budget.left)),
        ("when spent", WHEN_SPENT[budget.mode]),
        ("warns at", f"{budget.warn_at_percent}%"),
        ("begins anew", moment(budget.period_end)),
    ]
    show(budget, pairs, is_json=is_json)


def _columns(names: Names) -> list[Column[Budget]]:
    return [
        Column("name", lambda it: it.name),
        Column("of", lambda it: _whose(it, names)),
        Column("period", lambda it: it.period),
        Column("at most", lambda it: _amount(it, _limit(it)), right=True),
        Column("used", lambda it: _amount(it, it.used), right=True),
        Column("share", _share, right=True),
        Column("mode", lambda it: it.mode),
        Column("begins anew", lambda it: moment(it.period_end)),
    ]


def _whose(budget: Budget, names: Names) -> str:
    scope = budget.scope
    if scope.id is None:
        return "everything"
    return f"{scope.kind.replace('_', ' ')} {names.of(scope.id)}"


def _limit(budget: Budget) -> float:
    return budget.usd if budget.usd is not None else budget.tokens or 0


def _amount(budget: Budget, amount: float) -> str:
    return f"{number(int(amount))} tokens" if budget.usd is None else dollars(amount)


def _share(budget: Budget) -> str:
    limit = _limit(budget)
    return percent(budget.used / limit if limit else None)
