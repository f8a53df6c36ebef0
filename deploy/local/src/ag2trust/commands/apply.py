"""`ag2trust apply`: make all as a file says, after showing what is to change."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from pydantic import SecretStr

from ag2trust.manifests.applying import Applying, read_state
from ag2trust.manifests.manifest import (
    Manifest,
    ManifestError,
    SecretSource,
    read_manifest,
)
from ag2trust.manifests.planning import Change, Difference, plan_of
from ag2trust_client import Client, every

from .calling import calling
from .formats import word
from .output import as_json, progress, said, say, say_json

__all__ = ["apply", "apply_manifest", "manifest_explained"]

_SIGNS = {"add": "+", "change": "~", "start": ">", "stop": "<"}
_COLOURS = {"add": "green", "change": "yellow", "start": "green", "stop": "red"}


_HELP = """\
Make providers, agent types, agents and budgets as a manifest says.

They are known by their names, agent types by their slugs. What the manifest does not
name is left alone; nothing is deleted. Secrets are not in it, but where they are:

\b
  providers:
    - name: openai
      type: openai
      api_key: {env: OPENAI_API_KEY}   # or {prompt: true}
      limits: {requests_per_minute: 600}
  agent_types:
    - slug: helper
      provider: openai
      model: gpt-5.4-mini
      system_prompt: You are helpful.
  agents:
    - {name: helper-1, type: helper, state: running}
  budgets:
    - name: helpers
      scope: {kind: agent_type, name: helper}
      usd: 20
      period: month
"""


@click.command(
    help=_HELP, short_help="Make all as a manifest says; shows a diff first."
)
@click.option(
    "-f",
    "--file",
    type=click.File(),
    required=True,
    help="The manifest, in YAML; - is standard input.",
)
@click.option("--dry-run", is_flag=True, help="Show what would change, and end.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@click.option(
    "--replace-secrets",
    is_flag=True,
    help="Also give providers that have a secret the one that the manifest names.",
)
@as_json
@calling
async def apply(
    client: Client,
    *,
    file: Any,
    dry_run: bool,
    yes: bool,
    replace_secrets: bool,
    is_json: bool,
) -> None:
    with manifest_explained():
        manifest = read_manifest(file.read())
    await apply_manifest(
        client,
        manifest,
        dry_run=dry_run,
        yes=yes,
        replace_secrets=replace_secrets,
        is_json=is_json,
    )


async def apply_manifest(
    client: Client,
    manifest: Manifest,
    *,
    dry_run: bool,
    yes: bool,
    replace_secrets: bool,
    is_json: bool,
) -> None:
    """Show what is to change, ask, and do it."""
    state, ids = await read_state(client)
    with manifest_explained():
        changes = plan_of(manifest, state, replaces_secrets=replace_secrets)
    _show(changes, is_json=is_json)
    if not changes or dry_run:
        return
    _require_consent(len(changes), yes=yes)
    applying = Applying(client, ids, secret_of=_secret)
    with progress() as tell:
        for number, change in enumerate(changes, 1):
            tell(
                f"{number} of {len(changes)}: {change.verb} {change.kind} {change.key}"
            )
            with manifest_explained():
                await applying.make(change)
    said(f"Done: {_counted(len(changes))}.")
    await _hint_at_restarts(client)


def _show(changes: list[Change], *, is_json: bool) -> None:
    if is_json:
        say_json([*map(_plain, changes)])
    elif not changes:
        said("All is as the manifest says.")
    for change in () if is_json else changes:
        headline = f"{_SIGNS[change.verb]} {change.verb} {change.kind} {change.key}"
        click.secho(headline, fg=_COLOURS[change.verb])
        for difference in change.differences:
            say(f"    {difference.field}: {_told(difference)}")


def _told(difference: Difference) -> str:
    if difference.before is None:
        return word(difference.after)
    return f"{word(difference.before)} → {word(difference.after)}"


def _plain(change: Change) -> dict[str, Any]:
    return {
        "verb": change.verb,
        "kind": change.kind,
        "name": change.key,
        "differences": {
            each.field: {"before": each.before, "after": each.after}
            for each in change.differences
        },
    }


def _require_consent(count: int, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("Nobody can be asked here; say --yes, or --dry-run.")
    click.confirm(f"Make {_counted(count)}?", abort=True, err=True)


def _counted(count: int) -> str:
    return "1 change" if count == 1 else f"{count} changes"


def _secret(provider: str, field: str, source: SecretSource) -> SecretStr:
    if source.env is not None:
        if secret := os.environ.get(source.env):
            return SecretStr(secret)
        raise ManifestError(f"{source.env}, for the {field} of {provider}, is not set.")
    if not sys.stdin.isatty():
        raise ManifestError(f"Nobody can be asked for the {field} of {provider} here.")
    return SecretStr(click.prompt(f"{field} of {provider}", hide_input=True, err=True))


async def _hint_at_restarts(client: Client) -> None:
    async for agent in every(client.list_agents):
        if agent.restart_required:
            said(
                f"{agent.name} runs as before until `ag2trust agents restart "
                f"{agent.name}`."
            )


@contextmanager
def manifest_explained() -> Iterator[None]:
    """Say what is wrong with a manifest, and exit with the code of that."""
    try:
        yield
    except ManifestError as error:
        click.echo(f"ag2trust: {error}", err=True)
        sys.exit(os.EX_DATAERR)
