"""`ag2trust audit verify`: whether the audit of one home was touched.

It reads, and changes nothing. PostgreSQL is asked where the stack runs, and else run
for as long as it takes.
"""

from pathlib import Path
from typing import Any

from credentials.settings import Settings
from credentials.verify_audit import Verification, verify
from shared.contracts.base import Service
from shared.errors import DatabaseUnavailableError
from shared.identity import Identity, IdentityFileError

from .answering import answering, installed_home, postgres_of
from .errors import HomeUnusableError, NotRunningError
from .home import Home
from .keys import kept_passwords
from .postgres import SUPERUSER, Postgres
from .provisioning import DATABASE, owner_role, service_role, sweep_role

__all__ = ["verify_home"]

_NOWHERE = "nats://127.0.0.1:0"  # a verification asks nobody on the bus


async def verify_home(folder: Path, *, heads: Path | None = None) -> Verification:
    """Verify the audit of the home at *folder* by the *heads* kept of it.

    None are those in the home itself. Raises `LaunchError`.
    """
    home = installed_home(folder)
    postgres = postgres_of(home)
    passwords = kept_passwords(home)
    settings = _settings(home, postgres, passwords, heads or home.audit)
    async with answering(home, postgres, passwords[SUPERUSER]):
        return await _verified(settings)


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
        "metrics_identity": Identity.from_file(
            home.keys / f"{Service.METRICS}.nkey"
        ).public,
        "audit_folder": heads,
        "database_url": url(service_role(service)),
        "sweep_database_url": url(sweep_role(service)),
        "owner_database_url": url(owner_role(service)),
    }
    return Settings(**told)
