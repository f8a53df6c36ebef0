"""`ag2trust stats`: what was used, by whom, and what it cost."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import click

from ag2trust_client import Client, every
from ag2trust_client.models import AgentStats, UsageSummary

from .calling import calling
from .formats import dollars, milliseconds, number, percent
from .naming import Kind, Names, agent_named, names_of
from .output import as_json, show, show_all
from .periods import in_period, period_of
from .tables import Column

__all__ = ["stats"]

_NAMED: dict[str, Kind] = {
    "agent": "agents",
    "agent-type": "agent_types",
    "provider": "providers",
}
_BY: dict[str, Callable[[Client], Callable[..., Awaitable[Any]]]] = {
    "agent": lambda client: client.get_usage_by_agent,
    "agent-type": lambda client: client.get_usage_by_agent_type,
    "provider": lambda client: client.get_usage_by_provider,
    "provider-type": lambda client: client.get_usage_by_provider_type,
    "model": lambda client: client.get_usage_by_model,
    "use-case": lambda client: client.get_usage_by_use_case,
    "label": lambda client: client.get_usage_by_label,
    "status": lambda client: client.get_usage_by_status,
}


@click.command()
@click.option("--by", type=click.Choice([*_BY]), help="A row for each of these.")
@click.option("--agent", help="Of this agent, since it was made if no period is given.")
@in_period
@as_json
@calling
async def stats(
    client: Client,
    *,
    by: str | None,
    agent: str | None,
    period: str | None,
    since: datetime | None,
    until: datetime | None,
    is_json: bool,
) -> None:
    """Show what was used, how it fared and what it cost.

    It is of the last 24 hours, if not told otherwise.
    """
    chosen = period_of(period=period, since=since, until=until)
    if by and agent:
        raise click.UsageError("Say --by or --agent.")
    if by:
        await _table(client, by, chosen, is_json=is_json)
    elif agent:
        found = await agent_named(client, agent)
        of_agent = await client.get_agent_stats(found.id, **chosen)
        show(of_agent, _facts(of_agent), is_json=is_json)
    else:
        summary = await client.get_usage(**chosen)
        show(summary, _facts(summary), is_json=is_json)


async def _table(
    client: Client, by: str, chosen: dict[str, Any], *, is_json: bool
) -> None:
    rows = [each async for each in every(_BY[by](client), **chosen)]
    kind = _NAMED.get(by)
    names = await names_of(client, kind) if kind else Names({})
    show_all(rows, _columns(by, names), is_json=is_json, if_none="Nothing was used.")


def _columns(by: str, names: Names) -> list[Column[Any]]:
    field = f"{by.replace('-', '_')}_id" if by in _NAMED else by.replace("-", "_")
    return [
        Column(
            by.replace("-", " "), lambda it: names.of(getattr(it, field) or "(none)")
        ),
        Column("calls", lambda it: number(it.calls), right=True),
        Column("errors", lambda it: percent(it.error_rate), right=True),
        Column("tokens", lambda it: number(it.total_tokens), right=True),
        Column(
            "average", lambda it: milliseconds(it.average_response_time_ms), right=True
        ),
        Column("p95", lambda it: milliseconds(it.p95_response_time_ms), right=True),
        Column("cost", lambda it: dollars(it.cost_usd), right=True),
        Column("unpriced", lambda it: number(it.unpriced_calls), right=True),
    ]


def _facts(figures: AgentStats | UsageSummary) -> list[tuple[str, str]]:
    return [
        ("calls", number(figures.calls)),
        ("errors", f"{number(figures.errors)} ({percent(figures.error_rate)})"),
        ("messages", number(figures.messages_processed)),
        ("tokens", number(figures.total_tokens)),
        ("  input", number(figures.input_tokens)),
        ("  from cache", number(figures.cached_input_tokens)),
        ("  output", number(figures.output_tokens)),
        ("response time", milliseconds(figures.average_response_time_ms)),
        ("  median", milliseconds(figures.p50_response_time_ms)),
        ("  95 % within", milliseconds(figures.p95_response_time_ms)),
        ("first token", milliseconds(figures.average_time_to_first_token_ms)),
        ("message", milliseconds(figures.message_duration_ms)),
        ("cost", dollars(figures.cost_usd)),
        ("unpriced calls", number(figures.unpriced_calls)),
    ]
