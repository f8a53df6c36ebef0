"""`ag2trust completion`: commands and options at a press of the tab key."""

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

__all__ = ["completion"]

_KINDS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
_PROGRAM = "ag2trust"
_VARIABLE = "_AG2TRUST_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice([*_KINDS]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what a shell needs to complete commands and options.

    For bash: `eval "$(ag2trust completion bash)"`; to keep it, put that into ~/.bashrc.
    """
    root = context.find_root().command
    click.echo(_KINDS[shell](root, {}, _PROGRAM, _VARIABLE).source())
