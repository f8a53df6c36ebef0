"""The database dumped to a file and loaded from one, by PostgreSQL's own programs."""

from pathlib import Path

from .child import Command, start
from .errors import ServerFailedError
from .postgres import SUPERUSER, Postgres, binaries
from .provisioning import DATABASE

__all__ = ["dump_database", "load_database"]


async def dump_database(
    postgres: Postgres, password: str, target: Path, *, log: Path
) -> None:
    """Write all schemas as they were at one moment to *target*, without any role.

    Raises `ServerFailedError`.
    """
    await _run(
        _command(
            "pg_dump",
            *("--format=custom", "--compress=none", f"--file={target}"),
            f"--dbname={DATABASE}",
            postgres=postgres,
            password=password,
            log=log,
        ),
        failed="The database could not be dumped.",
    )


async def load_database(
    postgres: Postgres, password: str, source: Path, *, log: Path
) -> None:
    """Make the database of *source* where there is none yet, but the roles are.

    Raises `ServerFailedError`.
    """
    await _run(
        _command(
            "pg_restore",
            *("--create", "--exit-on-error", "--dbname=postgres", str(source)),
            postgres=postgres,
            password=password,
            log=log,
        ),
        failed="The database could not be loaded.",
    )


def _command(
    program: str, *arguments: str, postgres: Postgres, password: str, log: Path
) -> Command:
    """Tell the password in a variable: anybody may read a process's arguments."""
    return Command(
        name=program,
        arguments=(
            str(binaries() / program),
            *(f"--host={postgres.socket_folder}", f"--username={SUPERUSER}"),
            "--no-password",
            *arguments,
        ),
        environment={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "PGPASSWORD": password},
        log=log,
    )


async def _run(command: Command, *, failed: str) -> None:
    child = await start(command)
    try:
        code = await child.ended()
    finally:
        await child.stop(seconds=1)
    if code != 0:
        raise ServerFailedError(f"{failed}{child.last_words()}")
