"""`ag2trust import`: begin with what another gateway was told."""

from typing import Any

import click
import yaml

from ag2trust.manifests.litellm import imported
from ag2trust.manifests.manifest import read_manifest
from ag2trust_client import Client

from .apply import apply_manifest, manifest_explained
from .calling import calling
from .output import as_json, said

__all__ = ["import_config"]


@click.group("import")
def import_config() -> None:
    """Begin with another gateway's configuration."""


@import_config.command()
@click.argument("config", type=click.File())
@click.option(
    "--manifest", "is_shown", is_flag=True, help="Print the manifest, and end."
)
@click.option("--dry-run", is_flag=True, help="Show what would change, and end.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@as_json
@calling
async def litellm(
    client: Client,
    *,
    config: Any,
    is_shown: bool,
    dry_run: bool,
    yes: bool,
    is_json: bool,
) -> None:
    """Make providers and agent types of CONFIG, a config.yaml of LiteLLM's proxy.

    A provider for each key and address, an agent type for each model name. What has no
    place here is named. No secret is read from the file: one that stands in it is asked
    for.
    """
    with manifest_explained():
        found = imported(config.read())
        text = yaml.safe_dump(found.manifest, sort_keys=False, allow_unicode=True)
        manifest = read_manifest(text)
    for note in found.notes:
        said(note)
    if is_shown:
        click.echo(text, nl=False)
        return
    await apply_manifest(
        client,
        manifest,
        dry_run=dry_run,
        yes=yes,
        replace_secrets=False,
        is_json=is_json,
    )
