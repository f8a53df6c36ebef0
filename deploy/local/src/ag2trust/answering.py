"""An installation's database, whether its stack runs or not."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from .accounts import unprivileged_account
from .errors import NoInstallationError, TakenError
from .home import Home, open_home
from .postgres import Postgres, running_postgres

__all__ = ["answering", "installed_home", "postgres_of"]


def installed_home(folder: Path) -> Home:
    """Return the home at *folder*; raise `NoInstallationError` if there is none."""
    home = Home(folder.expanduser().absolute())
    if not home.version.exists():
        raise NoInstallationError(
            f"There is no installation in {home.folder}. Name its folder in "
            "AG2TRUST_HOME."
        )
    return home


def postgres_of(home: Home) -> Postgres:
    return Postgres(
        home.data / "postgres", log=home.log("postgres"), account=unprivileged_account()
    )


@asynccontextmanager
async def answering(
    home: Home, postgres: Postgres, password: str
) -> AsyncIterator[None]:
    """Run PostgreSQL, unless a launcher holds the home and does."""
    os.umask(0o077)
    async with AsyncExitStack() as stack:
        try:
            stack.enter_context(open_home(home.folder))
        except TakenError:
            yield
            return
        await stack.enter_async_context(running_postgres(postgres, password))
        yield
