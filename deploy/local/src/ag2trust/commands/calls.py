"""`ag2trust calls`: every model call, with its attempts and never its content."""

from datetime import datetime
from typing import get_args
from uuid import UUID

import click

from ag2trust_client import Client
from ag2trust_client.models import AttemptRecord, Call, CallStatus

from .calling import calling
from .formats import dollars, milliseconds, moment, number, word
from .naming import Names, agent_named, names_of, provider_named
from .newest import newest
from .output import as_json, say_table, show, show_all
from .periods import in_period, period_of
from .tables import Column

__all__ = ["calls"]


@click.group(short_help="Look at model calls: attempts, tokens, cost.")
def calls() -> None:
    """Look at model calls: attempts, tokens and cost, never their content."""


@calls.command("list")
@click.option("--agent", help="Of this agent.")
@click.option("--provider", help="Answered by this provider.")
@click.option("--model", help="Of this model.")
@click.option(
    "--status", type=click.Choice(get_args(CallStatus)), help="That ended so."
)
@click.option("--code", help="That failed with this code.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="At most so many.",
)
@in_period
@as_json
@calling
async def list_calls(
    client: Client,
    *,
    agent: str | None,
    provider: str | None,
    model: str | None,
    status: CallStatus | None,
    code: str | None,
    limit: int,
    period: str | None,
    since: datetime | None,
    until: datetime | None,
    is_json: bool,
) -> None:
    """List calls, those started last first; of the last 24 hours if not told."""
    filters = {
        "agent_id": (await agent_named(client, agent)).id if agent else None,
        "provider_id": (await provider_named(client, provider)).id
        if provider
        else None,
        "model": model,
        "status": status,
        "code": code,
        **period_of(period=period, since=since, until=until),
    }
    found = await newest(client.list_calls, limit, **filters)
    names = await names_of(client, "agents", "providers")
    show_all(
        found, _columns(names), is_json=is_json, if_none="There are no such calls."
    )


@calls.command("show")
@click.argument("call_id", type=click.UUID)
@as_json
@calling
async def show_call(client: Client, *, call_id: UUID, is_json: bool) -> None:
    """Show one call with its attempts."""
    call = await client.get_call(call_id)
    names = await names_of(client, "agents", "providers")
    show(call, _facts(call, names), is_json=is_json)
    if call.attempts and not is_json:
        click.echo()
        say_table(_attempts(names), call.attempts)


def _columns(names: Names) -> list[Column[Call]]:
    return [
        Column("started", lambda it: moment(it.started_at)),
        Column("agent", lambda it: names.of(it.agent_id)),
        Column("provider", lambda it: names.of(it.provider_id)),
        Column("model", lambda it: it.model),
        Column("status", _status),
        Column("tokens", lambda it: number(_tokens(it)), right=True),
        Column("cost", lambda it: dollars(it.cost_usd), right=True),
        Column("took", lambda it: milliseconds(it.duration_ms), right=True),
        Column("call", lambda it: str(it.call_id)),
    ]


def _status(call: Call) -> str:
    return call.explanation.code if call.explanation else call.status


def _tokens(call: Call) -> int | None:
    usage = call.usage
    counts = [
        usage.input_tokens,
        usage.cached_input_tokens,
        usage.cache_write_5m_tokens,
        usage.cache_write_1h_tokens,
        usage.output_tokens,
    ]
    known = [each for each in counts if each is not None]
    return sum(known) if known else None


def _facts(call: Call, names: Names) -> list[tuple[str, str]]:
    usage, why = call.usage, call.explanation
    return [
        ("call", str(call.call_id)),
        ("agent", names.of(call.agent_id)),
        ("provider", f"{names.of(call.provider_id)} ({call.provider_type})"),
        ("model", call.model),
        ("status", call.status),
        *(
            [("why", why.message), ("cause", why.cause), ("fix", why.fix)]
            if why
            else []
        ),
        ("started", moment(call.started_at)),
        ("took", milliseconds(call.duration_ms)),
        ("first token after", milliseconds(call.time_to_first_token_ms)),
        ("input tokens", number(usage.input_tokens)),
        ("from cache", number(usage.cached_input_tokens)),
        ("output tokens", number(usage.output_tokens)),
        ("cost", dollars(call.cost_usd)),
        ("price", word(call.unpriced_reason or call.price_version)),
        ("labels", word(call.labels)),
        ("runner", call.runner),
        ("request", call.request_id),
    ]


def _attempts(names: Names) -> list[Column[AttemptRecord]]:
    return [
        Column("attempt", lambda it: moment(it.started_at)),
        Column("provider", lambda it: names.of(it.provider_id)),
        Column("model", lambda it: it.model),
        Column("answer", lambda it: word(it.http_status), right=True),
        Column("error", lambda it: word(it.error_code)),
        Column("took", lambda it: milliseconds(it.duration_ms), right=True),
    ]
