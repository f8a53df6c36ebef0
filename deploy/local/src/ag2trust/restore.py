"""`ag2trust restore`: a home made of a backup and of the keys that were kept apart."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from .answering import postgres_of
from .backup import (
    AUDIT,
    DUMP,
    SPOOL,
    credentials_identity,
    master_key_id,
    product,
    spool_of,
)
from .backup_file import Manifest, unpack
from .dumps import load_database
from .errors import BackupUnusableError, HomeUnusableError
from .home import Home, open_home
from .keys import keys_of
from .postgres import SUPERUSER, running_postgres
from .private_files import write_private
from .provisioning import provision_roles

__all__ = ["require_keys_of", "require_known_version", "restore_backup"]


async def restore_backup(source: Path, *, keys: Path, folder: Path) -> Manifest:
    """Make the home at *folder*, where nothing may be yet, of *source* and *keys*.

    *keys* is a copy of a home's `keys/`. Raises `LaunchError`; then nothing was made.
    """
    os.umask(0o077)
    with _building(folder) as room:
        backup = room / "backup"
        manifest = unpack(source, backup)
        require_known_version(manifest)
        with open_home(room / "home") as home:
            _put_keys(home, keys, manifest)
            write_private(home.installation, f"{manifest.installation}\n")
            await _load(home, backup / DUMP)
            _move(backup / SPOOL, spool_of(home))
            _move(backup / AUDIT, home.audit)
    return manifest


@contextmanager
def _building(folder: Path) -> Iterator[Path]:
    """Provide a folder, whose `home` becomes *folder* if all goes well."""
    target = folder.expanduser().absolute()
    try:
        if target.exists() and any(target.iterdir()):
            raise HomeUnusableError(
                f"{target} is not empty, and a backup is restored into nothing "
                "else. Move it away, or name another folder in AG2TRUST_HOME."
            )
        parent = target.parent
        parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=parent, prefix=".ag2trust-restore-") as made:
            yield Path(made)
            (Path(made) / "home").rename(target)
    except OSError as error:
        raise HomeUnusableError(
            f"{target} cannot be made: {error.strerror}."
        ) from error


def require_known_version(manifest: Manifest) -> None:
    """Raise `BackupUnusableError` if a newer Ag2Trust made the backup."""
    if _numbers(manifest.product) > _numbers(product()):
        raise BackupUnusableError(
            f"The backup was made by Ag2Trust {manifest.product}; this one is "
            f"{product()}. Update first."
        )


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdecimal()]


def require_keys_of(manifest: Manifest, keys: Path) -> None:
    """Raise `BackupUnusableError` if the folder *keys* is not that of the backup."""
    found = master_key_id(keys / "master.key")
    if found != manifest.master_key:
        raise BackupUnusableError(
            f"The master key in {keys} is {found}; what is in the backup needs "
            f"{manifest.master_key}. Nothing else opens its credentials."
        )
    if credentials_identity(keys) != manifest.credentials_identity:
        raise BackupUnusableError(
            f"The identities in {keys} are of another installation than the backup."
        )


def _put_keys(home: Home, keys: Path, manifest: Manifest) -> None:
    require_keys_of(manifest, keys)
    for path in keys.iterdir():
        if path.is_file():
            shutil.copy(path, home.keys / path.name)
            (home.keys / path.name).chmod(0o600)


async def _load(home: Home, dump: Path) -> None:
    passwords = keys_of(home, is_new=False).passwords
    postgres, password = postgres_of(home), passwords[SUPERUSER]
    async with running_postgres(postgres, password):
        await provision_roles(postgres.url(SUPERUSER, password, "postgres"), passwords)
        await load_database(postgres, password, dump, log=home.log("restore"))


def _move(source: Path, target: Path) -> None:
    """Move a folder that an empty one has in the backup as no folder at all."""
    if source.exists():
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        source.rename(target)
