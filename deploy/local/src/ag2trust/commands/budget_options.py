"""The options by which a command says what budget an agent type has."""

from collections.abc import Callable
from typing import Any, TypeVar, get_args

import click

from ag2trust_client.models import (
    AgentTypeBudget,
    AgentTypeBudgetSubmission,
    BudgetMode,
    BudgetPeriod,
)

from .formats import NOTHING, dollars, number
from .numbers import FiniteRange

__all__ = ["WHEN_SPENT", "budget_given", "budget_options", "budget_told"]

WHEN_SPENT = {"hard": "calls are refused", "warn": "it is told"}

_DEFAULTS = {"period": "month", "mode": "hard"}
CommandT = TypeVar("CommandT", bound=Callable[..., Any])


def budget_options(command: CommandT) -> CommandT:
    """Add the options whose values `budget_given` reads."""
    for option in (
        click.option("--budget-time-zone", help="Whose days and months; UTC at first."),
        click.option(
            "--budget-mode",
            type=click.Choice(get_args(BudgetMode)),
            help="Whether calls are refused when it is spent, or it is only told.",
        ),
        click.option(
            "--budget-period",
            type=click.Choice(get_args(BudgetPeriod)),
            help="In which time; a month at first.",
        ),
        click.option(
            "--budget-tokens",
            type=click.IntRange(min=0),
            help="So many tokens at most, of all its agents.",
        ),
        click.option(
            "--budget-usd",
            type=FiniteRange(min=0),
            help="So many dollars at most, of all its agents.",
        ),
    ):
        command = option(command)
    return command


def budget_given(
    given: dict[str, Any], current: AgentTypeBudget | None = None
) -> AgentTypeBudgetSubmission | None:
    """Take the options out of *given*; what they leave open is as it is, or usual."""
    names = ("usd", "tokens", "period", "mode", "time_zone")
    values = {name: given.pop(f"budget_{name}") for name in names}
    told = {name: value for name, value in values.items() if value is not None}
    if not told:
        return None
    measures = {"usd", "tokens"} & told.keys()
    if len(measures) != 1 and (measures or current is None):
        raise click.UsageError("Say --budget-usd or --budget-tokens: one of the two.")
    kept = current.model_dump(exclude={"id"}, exclude_none=True) if current else {}
    if measures:
        kept = {name: kept[name] for name in kept.keys() - {"usd", "tokens"}}
    return AgentTypeBudgetSubmission(**{**_DEFAULTS, **kept, **told})


def budget_told(budget: AgentTypeBudget | None) -> str:
    """Say a budget in a line: `$200.00 a month, then calls are refused`."""
    if budget is None:
        return NOTHING
    amount = (
        f"{number(budget.tokens)} tokens" if budget.usd is None else dollars(budget.usd)
    )
    return f"{amount} a {budget.period}, then {WHEN_SPENT[budget.mode]}"
