"""`ag2trust audit`: what was done, and whether anybody has touched the record of it."""

import asyncio
import sys
from pathlib import Path

import click

from ag2trust.failing import explained
from ag2trust_client import Client
from ag2trust_client.models import AuditEntry

from .calling import calling
from .formats import moment, word
from .output import as_json, show_all
from .tables import Column

__all__ = ["audit"]

_TOUCHED = 1
_PAGE = 200
_COLUMNS = [
    Column[AuditEntry]("at", lambda it: moment(it.at)),
    Column[AuditEntry]("act", lambda it: it.act),
    Column[AuditEntry]("who", lambda it: f"{it.actor.kind} {it.actor.id}"),
    Column[AuditEntry]("object", lambda it: str(it.object_id)),
    Column[AuditEntry]("details", lambda it: word(it.details)),
]


@click.group()
def audit() -> None:
    """Look at the record of what was done."""


@audit.command("list")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="At most so many.",
)
@as_json
@calling
async def list_audit(client: Client, *, limit: int, is_json: bool) -> None:
    """List what was done, and every opening of a secret, newest first."""
    found: list[AuditEntry] = []
    cursor = None
    while len(found) < limit:
        page = await client.list_audit(
            limit=min(limit - len(found), _PAGE), cursor=cursor
        )
        found += page.data
        cursor = page.next_cursor
        if cursor is None:
            break
    show_all(found, _COLUMNS, is_json=is_json, if_none="Nothing was done yet.")


@audit.command()
@click.option(
    "--heads",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A copy of the folder of exported heads that was kept elsewhere.",
)
def verify(heads: Path | None) -> None:
    """Name every entry that was edited, moved or removed; then exit with 1.

    It reads this machine's home (AG2TRUST_HOME) itself, and asks no gateway.
    """
    # These import a service, which takes seconds, and only here.
    from ag2trust.audit import verify_home  # noqa: PLC0415
    from ag2trust.variables import read_variables  # noqa: PLC0415

    with explained():
        verification = asyncio.run(verify_home(read_variables().home, heads=heads))
    for sentence in verification.sentences():
        click.echo(sentence)
    sys.exit(0 if verification.is_whole else _TOUCHED)
