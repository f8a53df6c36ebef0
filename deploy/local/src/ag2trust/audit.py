"""`ag2trust audit verify`: whether the audit of one home was touched.

It reads, and changes nothing. PostgreSQL is asked where the stack runs, and else run
for as long as it takes.
"""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from credentials.settings import Settings
from credentials.verify_audit import Verification, verify
from shared.contracts.base import Service
from shared.errors import DatabaseUnavailableError
from shared.identity import IdentityFileError

from .accounts import unprivileged_account
from .errors import (
    HomeUnusableError,
    NoInstallationError,
    NotRunningError,
    TakenError,
)
from .home import Home, open_home
from .keys import kept_passwords
from .postgres import SUPERUSER, Postgres, running_postgres
from .provisioning import DATABASE, owner_role, service_role, sweep_role

__all__ = ["verify_home"]

_NOWHERE = "nats://127.0.0.1:0"  # a verification asks nobody on the bus


async def verify_home(folder: Path, *, heads: Path | None = None) -> Verification:
    """Verify the audit of the home at *folder* by the *heads* kept of it.

    None are those in the home itself. Raises `LaunchError`.
    """
    home = _home_at(folder)
    postgres = Postgres(
        home.data / "postgres", log=home.log("postgres"), account=unprivileged_account()
    )
    passwords = kept_passwords(home)
    settings = _settings(home, postgres, passwords, heads or home.audit)
    async with _answering(home, postgres, passwords[SUPERUSER]):
        return await _verified(settings)


def _home_at(folder: Path) -> Home:
    home = Home(folder.expanduser().absolute())
    if not home.version.exists():
        raise NoInstallationError(
            f"There is no installation in {home.folder}. Name its folder in "
            "AG2TRUST_HOME."
        )
    return home


async def _verified(settings: Settings) -> Verification:
    try:
        return await verify(settings)
    except IdentityFileError as error:
        raise HomeUnusableError(
            f"{error}. Put back your copy of the keys: heads are known by them."
        ) from error
    except DatabaseUnavailableError as error:
        raise NotRunningError(
            "PostgreSQL does not answer. Wait until the stack is ready, or stop it, "
            "and verify again."
        ) from error


@asynccontextmanager
async def _answering(
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


def _settings(
    home: Home, postgres: Postgres, passwords: dict[str, str], heads: Path
) -> Settings:
    def url(role: str) -> str:
        return postgres.url(role, passwords[role], DATABASE)

    service = Service.CREDENTIALS
    told: dict[str, Any] = {
        "nats_url": _NOWHERE,
        "identity_file": home.keys / f"{service}.nkey",
        "master_key_file": home.master_key,
        "runners_file": home.keys / "runners.json",
        "audit_folder": heads,
        "database_url": url(service_role(service)),
        "sweep_database_url": url(sweep_role(service)),
        "owner_database_url": url(owner_role(service)),
    }
    return Settings(**told)
