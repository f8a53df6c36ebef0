"""`ag2trust backup` and `ag2trust restore`: a stack's way to another disk."""

import asyncio
from pathlib import Path

import click

from ag2trust.failing import explained
from ag2trust.stopping import clean_up_when_stopped

__all__ = ["backup", "restore"]


@click.command(short_help="Put all that this machine's stack has into one file.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(file: Path) -> None:
    """Put all that this machine's stack has into FILE, while it runs or not.

    No key is in it. Copy the folder `keys` of the home (AG2TRUST_HOME) to another place
    than FILE: without it nothing opens the credentials, and with both anybody can.
    """
    from ag2trust.backup import back_up  # noqa: PLC0415 - imports a service
    from ag2trust.variables import read_variables  # noqa: PLC0415

    clean_up_when_stopped()
    with explained():
        home = read_variables().home
        made = asyncio.run(back_up(home, file))
        click.echo(
            f"{file}: {len(made.sha256)} files of {made.installation}, for the master "
            f"key {made.master_key}, which is not in it. Keep a copy of "
            f"{home / 'keys'} elsewhere."
        )


@click.command(short_help="Make this machine's stack of a backup.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--keys",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="The copy of the home's folder `keys` that was kept elsewhere.",
)
def restore(file: Path, keys: Path) -> None:
    """Make a home (AG2TRUST_HOME), where nothing is yet, of FILE and its keys.

    All of it or nothing: a damaged file, other keys or a home that is in use are
    refused. Then `ag2trust run` goes on from when the backup was made.
    """
    from ag2trust.restore import restore_backup  # noqa: PLC0415 - imports a service
    from ag2trust.variables import read_variables  # noqa: PLC0415

    clean_up_when_stopped()
    with explained():
        home = read_variables().home
        made = asyncio.run(restore_backup(file, keys=keys, folder=home))
        click.echo(
            f"{home} is {made.installation} as it was at "
            f"{made.made_at:%Y-%m-%d %H:%M:%S} UTC. Start it: ag2trust run"
        )
