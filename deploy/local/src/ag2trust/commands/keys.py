"""`ag2trust keys`: which programs may come in."""

from datetime import datetime
from typing import get_args

import click

from ag2trust_client import Client, every
from ag2trust_client.models import (
    ApiKeySubmission,
    ApiKeyView,
    NewApiKeyView,
    Permission,
    Role,
)

from .calling import calling
from .formats import ago, moment, word
from .naming import api_key_named
from .output import as_json, said, show, show_all
from .periods import LocalTime
from .tables import Column

__all__ = ["keys"]

_COLUMNS = [
    Column[ApiKeyView]("name", lambda it: it.name),
    Column[ApiKeyView]("role", lambda it: it.role),
    Column[ApiKeyView]("scopes", lambda it: word(it.scopes)),
    Column[ApiKeyView]("begins with", lambda it: word(it.prefix)),
    Column[ApiKeyView]("made", lambda it: ago(it.created_at)),
    Column[ApiKeyView]("used", lambda it: ago(it.last_used_at)),
    Column[ApiKeyView]("expires", lambda it: ago(it.expires_at)),
]


@click.group()
def keys() -> None:
    """See, add and revoke API keys."""


@keys.command("list")
@as_json
@calling
async def list_keys(client: Client, *, is_json: bool) -> None:
    """List the keys that are not revoked."""
    found = [each async for each in every(client.list_api_keys)]
    show_all(found, _COLUMNS, is_json=is_json, if_none="There are no API keys.")


@keys.command("add")
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(get_args(Role)),
    default="viewer",
    show_default=True,
    help="What it may; not more than you.",
)
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(get_args(Permission)),
    multiple=True,
    metavar="SCOPE",
    help="Only this of it, such as agents:read; may be said more than once.",
)
@click.option("--expires", type=LocalTime(), help="When it ends, local, as 2026-01-31.")
@as_json
@calling
async def add_key(
    client: Client,
    *,
    name: str,
    role: Role,
    scopes: tuple[Permission, ...],
    expires: datetime | None,
    is_json: bool,
) -> None:
    """Make a key called NAME, which is shown here and never again."""
    body = ApiKeySubmission(
        name=name,
        role=role,
        **({"scopes": [*scopes]} if scopes else {}),
        **({"expires_at": expires} if expires else {}),
    )
    made = await client.create_api_key(body)
    show(made, _facts(made), is_json=is_json)
    if made.key and not is_json:
        said("Keep the key: it is not shown again.")


@keys.command("revoke")
@click.argument("name")
@calling
async def revoke_key(client: Client, *, name: str) -> None:
    """Revoke the key NAME; it opens nothing from then on."""
    key = await api_key_named(client, name)
    await client.revoke_api_key(key.id)
    said(f"{key.name} is revoked.")


def _facts(key: NewApiKeyView) -> list[tuple[str, str]]:
    return [
        ("name", key.name),
        ("key", word(key.key)),
        ("role", key.role),
        ("scopes", word(key.scopes)),
        ("expires", moment(key.expires_at)),
    ]
