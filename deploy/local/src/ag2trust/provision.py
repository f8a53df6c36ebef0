"""What docker-compose.yml gives its services: secrets made once, a database prepared.

`python -m ag2trust.provision keys` runs before any server, `… database` as soon as
PostgreSQL answers; both may be repeated. `… roles` makes ready for the database of a
backup (`composed_backup`). Where PostgreSQL is elsewhere, AG2TRUST_PROVISION_DATABASE
says where it is: what follows `?` in its URL, such as `host=postgres`.
Every folder below `/ag2trust` is a volume:

vault/          api-key, and all that is made here; seen by `keys` alone
master-key/     master.key and retired-*.key, for credentials alone; back it up apart
<service>/      identity.nkey, settings.json, and what else it is told
database/       passwords.json, for `database`
postgres/       password
nats/           nats.conf; nats-data/ is made over to it
audit/          made over to credentials, which keeps signed heads of its audit there
agent-runner-state/  made over to the runner; broker/, which it may pass, to its broker
agent-init/     init, mounted into every agent: nothing secret, and anybody's to read
"""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg

from agent_runner.runtimes.launch_frame import AGENT_INIT
from shared.contracts.base import Service

from .errors import LaunchError, ServerFailedError
from .home import Home
from .keys import Keys, first_key, keys_of
from .nats_server import configuration
from .postgres import SUPERUSER
from .private_files import make_private_folder, write_private
from .provisioning import (
    DATABASE,
    owner_role,
    provision_database,
    provision_roles,
    service_role,
    sweep_role,
)

__all__ = ["ROOT", "Vault", "make_keys", "prepare_database", "prepare_roles"]

ROOT = Path("/ag2trust")

_MASTER_KEY_FOLDER = "/run/master-key"  # where credentials finds the volume
_SOCKET = "host=/run/postgresql"
_NATS_PORT = 4222

# As whom the containers run: the Dockerfile says so of the services, and the official
# image of PostgreSQL. The broker is root.
_OWNERS: Mapping[str, int] = {
    **dict.fromkeys(Service, 65532),
    "agent-runner-state": 65532,
    "audit": 65532,
    "database": 65532,
    "nats": 65532,
    "nats-data": 65532,
    "postgres": 999,
}


class Vault(Home):
    """All that is made, but for the master key, which has a volume of its own."""

    __slots__ = ()

    @property
    def master_key(self) -> Path:
        return self.folder.parent / "master-key" / "master.key"

    @property
    def instead_of_lost_keys(self) -> str:
        return " into the volumes: docs/operations.md, Composed"

    @property
    def retired_master_keys(self) -> tuple[Path, ...]:
        return tuple(sorted(self.master_key.parent.glob("retired-*.key")))


def make_keys(
    root: Path, owners: Mapping[str, int] = _OWNERS, *, place: str = _SOCKET
) -> None:
    """Make what is missing below *root*, and give each of *owners* what is its own.

    *place* is where services find PostgreSQL, as what follows `?` in its URL. Raises
    `HomeUnusableError` if something that was there is lost.
    """
    vault = Vault(root / "vault")
    for folder in (vault.keys, vault.master_key.parent):
        make_private_folder(folder)
    keys = keys_of(vault, is_new=not vault.version.exists())
    files = _files(
        keys,
        first_key(vault, None).sha256,
        retired=vault.retired_master_keys,
        place=place,
    )
    write_private(vault.version, "1\n")
    for name, owner in owners.items():
        _give(root / name, files.get(name, {}), owner)
    _give(vault.master_key.parent, {}, owners[Service.CREDENTIALS])
    for key in (vault.master_key, *vault.retired_master_keys):
        _make_over(key, owners[Service.CREDENTIALS])
    for name in ("agent-runner-state", "audit"):
        _make_over_all(root / name, owners[name])
    _open_the_way(root / "broker", owners[Service.AGENT_RUNNER])
    _put_agent_init(root / "agent-init")


async def prepare_roles(root: Path, *, place: str = _SOCKET) -> None:
    """Make the roles that a dump speaks of; raise `ServerFailedError`."""
    await _prepare(root, place, has_database=False)


async def prepare_database(root: Path, *, place: str = _SOCKET) -> None:
    """Bring roles, schemas and grants up to date; raise `ServerFailedError`."""
    await _prepare(root, place, has_database=True)


async def _prepare(root: Path, place: str, *, has_database: bool) -> None:
    passwords = json.loads((root / "database" / "passwords.json").read_text())
    admin_url = _url(SUPERUSER, passwords, place, "postgres")
    try:
        await provision_roles(admin_url, passwords)
        if has_database:
            await provision_database(admin_url)
    except asyncpg.InvalidPasswordError as error:
        raise ServerFailedError(
            "PostgreSQL refuses the password in the vault: its data were made with "
            "another vault. Put back the one that belongs to them."
        ) from error
    except OSError as error:
        raise ServerFailedError(f"PostgreSQL cannot be reached at {place}.") from error


def _files(
    keys: Keys, first_key_hash: str, *, retired: tuple[Path, ...], place: str
) -> dict[str, dict[str, str]]:
    """Return the text of every file, by owner and name."""
    told: dict[Service, dict[str, Any]] = {
        service: _urls(service, keys.passwords, place) for service in Service
    }
    if retired:
        told[Service.CREDENTIALS]["retired_master_key_files"] = [
            f"{_MASTER_KEY_FOLDER}/{file.name}" for file in retired
        ]
    pinned = {"credentials_identity": str(keys.credentials_identity)}
    told[Service.GATEWAY] |= pinned | {"bootstrap_key_hash": first_key_hash}
    told[Service.AGENT_RUNNER] |= pinned
    told[Service.METRICS] |= pinned
    told[Service.CREDENTIALS]["metrics_identity"] = str(keys.metrics_identity)
    files: dict[str, dict[str, str]] = {
        service: {
            "identity.nkey": identity.nkey_seed,
            "settings.json": json.dumps(told[service], indent=2),
        }
        for service, identity in keys.identities.items()
    }
    files[Service.CREDENTIALS]["runners.json"] = keys.runners_file.read_text()
    files["database"] = {"passwords.json": json.dumps(dict(keys.passwords))}
    files["nats"] = {"nats.conf": _nats_configuration(keys)}
    files["postgres"] = {"password": keys.passwords[SUPERUSER]}
    return files


def _urls(service: Service, passwords: Mapping[str, str], place: str) -> dict[str, str]:
    roles = {
        "database_url": service_role(service),
        "sweep_database_url": sweep_role(service),
        "owner_database_url": owner_role(service),
    }
    return {name: _url(role, passwords, place) for name, role in roles.items()}


def _url(
    role: str, passwords: Mapping[str, str], place: str, database: str = DATABASE
) -> str:
    return f"postgresql://{role}:{passwords[role]}@/{database}?{place}"


def _nats_configuration(keys: Keys) -> str:
    """Listen on every address of its container, which only composed services reach."""
    told = configuration(port=_NATS_PORT, store=Path("/data"), logins=keys.logins)
    return json.dumps(told | {"listen": f"0.0.0.0:{_NATS_PORT}"}, indent=2)


def _give(folder: Path, files: Mapping[str, str], owner: int) -> None:
    make_private_folder(folder)
    folder.chmod(0o700)
    for name, text in files.items():
        _make_over(write_private(folder / name, text), owner)
    _make_over(folder, owner)


def _put_agent_init(folder: Path) -> None:
    make_private_folder(folder).chmod(0o755)
    write_private(folder / "init", AGENT_INIT.read_text()).chmod(0o644)


def _make_over_all(folder: Path, owner: int) -> None:
    """Runners were root once, and what one wrote then is root's."""
    for path in folder.rglob("*"):
        _make_over(path, owner)


def _open_the_way(folder: Path, group: int) -> None:
    """Let *group* pass to the socket of its broker, which alone may make one there."""
    make_private_folder(folder).chmod(0o710)
    os.chown(folder, -1, group)


def _make_over(path: Path, owner: int) -> None:
    os.chown(path, owner, owner)


def _main() -> None:
    place = os.environ.get("AG2TRUST_PROVISION_DATABASE", _SOCKET)
    try:
        match sys.argv[1:]:
            case ["keys"]:
                make_keys(ROOT, place=place)
            case ["roles"]:
                asyncio.run(prepare_roles(ROOT, place=place))
            case ["database"]:
                asyncio.run(prepare_database(ROOT, place=place))
            case _:
                sys.exit("Say what to provision: keys, roles, or database.")
    except LaunchError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)


if __name__ == "__main__":
    _main()
