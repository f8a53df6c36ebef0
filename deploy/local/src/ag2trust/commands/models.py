"""`ag2trust models`: which models there are, and what they cost."""

from typing import get_args

import click

from ag2trust_client import Client
from ag2trust_client.models import ModelView, ProviderType, TaskId

from .calling import calling
from .formats import dollars, number, word
from .output import as_json, show_all
from .tables import Column

__all__ = ["models"]

_COLUMNS = [
    Column[ModelView]("model", lambda it: it.id),
    Column[ModelView]("provider", lambda it: it.provider_type),
    Column[ModelView]("status", lambda it: it.status),
    Column[ModelView]("context", lambda it: number(it.context_window), right=True),
    Column[ModelView]("$/m input", lambda it: _price(it, "input"), right=True),
    Column[ModelView]("$/m output", lambda it: _price(it, "output"), right=True),
    Column[ModelView]("best for", lambda it: word(it.best_for or it.use_case)),
]


@click.command(short_help="List models, prices and context windows.")
@click.option("--task", type=click.Choice(get_args(TaskId)), help="Good for this.")
@click.option(
    "--type",
    "provider_type",
    type=click.Choice(get_args(ProviderType)),
    help="Of providers of this type.",
)
@click.option("--all", "is_all", is_flag=True, help="Also those that have ended.")
@as_json
@calling
async def models(
    client: Client,
    *,
    task: TaskId | None,
    provider_type: ProviderType | None,
    is_all: bool,
    is_json: bool,
) -> None:
    """List models with prices and context windows, those of today first."""
    catalogue = await client.list_models(task=task, provider_type=provider_type)
    wanted = [it for it in catalogue.data if is_all or it.status != "retired"]
    show_all(wanted, _COLUMNS, is_json=is_json, if_none="No model is like that.")


def _price(model: ModelView, kind: str) -> str:
    prices = model.usd_per_million_tokens
    return dollars(getattr(prices, kind) if prices else None)
