"""`ag2trust backup`: all that a home has but its keys, running or not, in one file.

What is read comes in an order. Heads of the audit are first: none may speak of entries
that the dump does not have. The spool is last: metrics refuses one that has less than
was counted, and what it has more is counted after a restore, once.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from credentials.master_keys.local import LocalMasterKey
from shared.clock import utc_now
from shared.contracts.base import Service
from shared.errors import MasterKeyUnavailableError
from shared.identity import Identity, IdentityFileError

from .answering import answering, installed_home, postgres_of
from .backup_file import Manifest, pack, sha256_of
from .dumps import dump_database
from .errors import BackupUnusableError, HomeUnusableError
from .home import Home
from .keys import kept_passwords
from .postgres import SUPERUSER
from .private_files import make_private_folder

__all__ = [
    "AUDIT",
    "DUMP",
    "SPOOL",
    "back_up",
    "copy_heads",
    "copy_spool",
    "credentials_identity",
    "manifest_of",
    "master_key_id",
    "product",
    "spool_of",
]

DUMP = "database.dump"
SPOOL = "spool"
AUDIT = "audit"


async def back_up(folder: Path, target: Path) -> Manifest:
    """Write the home at *folder* to *target*, which must not be there yet.

    Raises `LaunchError`; then there is no *target*.
    """
    os.umask(0o077)
    home = installed_home(folder)
    with _writing(target) as staging:
        copy_heads(home.audit, staging / AUDIT)
        postgres = postgres_of(home)
        password = kept_passwords(home)[SUPERUSER]
        async with answering(home, postgres, password):
            await dump_database(
                postgres, password, staging / DUMP, log=home.log("backup")
            )
            copy_spool(spool_of(home), staging / SPOOL)
        return _packed(home, staging, target)


def copy_spool(
    spool: Path, target: Path, *, read: Callable[[Path], bytes] = Path.read_bytes
) -> None:
    """Copy a spool while its runner may write to it: a prefix of what it holds.

    Newest segment first: each is whole before its successor begins, so none is copied
    short whose successor has records. The oldest may go meanwhile; they were counted.
    """
    make_private_folder(target)
    with suppress(FileNotFoundError):
        for path in sorted(spool.glob("*.segment"), reverse=True):
            (target / path.name).write_bytes(read(path))
    with suppress(FileNotFoundError):  # a runner that never ran has none
        (target / "spool.id").write_bytes((spool / "spool.id").read_bytes())


def copy_heads(audit: Path, target: Path) -> None:
    """Copy whole lines: the last may be on its way."""
    make_private_folder(target)
    for path in sorted(audit.glob("*.jsonl")):
        text = path.read_bytes()
        (target / path.name).write_bytes(text[: text.rfind(b"\n") + 1])


def manifest_of(home: Home, staging: Path, *, installation: str) -> Manifest:
    """Say what the files in *staging* are; raise `HomeUnusableError`."""
    files = sorted(path for path in staging.rglob("*") if path.is_file())
    return Manifest(
        product=product(),
        made_at=utc_now(),
        installation=installation,
        master_key=master_key_id(home.master_key),
        credentials_identity=credentials_identity(home.keys),
        sha256={str(path.relative_to(staging)): sha256_of(path) for path in files},
    )


def spool_of(home: Home) -> Path:
    return home.data / "agent-runner" / "spool"


def master_key_id(file: Path) -> str:
    """Return the fingerprint of a master key; raise `HomeUnusableError`."""
    try:
        return LocalMasterKey.from_file(file).key_id
    except MasterKeyUnavailableError as error:
        raise HomeUnusableError(error.message) from error


def credentials_identity(keys: Path) -> str:
    """Return who signs heads of the audit; raise `HomeUnusableError`."""
    try:
        identity = Identity.from_file(keys / f"{Service.CREDENTIALS}.nkey")
    except IdentityFileError as error:
        raise HomeUnusableError(f"{error}. Put back your copy of the keys.") from error
    return str(identity.public)


def product() -> str:
    return version("ag2trust-local")


@contextmanager
def _writing(target: Path) -> Iterator[Path]:
    """Provide a folder beside *target*; raise `BackupUnusableError` for `OSError`."""
    try:
        if target.exists():
            raise BackupUnusableError(f"{target} is there already; name a new file.")
        with TemporaryDirectory(dir=target.parent, prefix=".ag2trust-backup-") as made:
            yield Path(made)
    except OSError as error:
        raise BackupUnusableError(
            f"{target} cannot be written: {error.strerror}."
        ) from error


def _packed(home: Home, staging: Path, target: Path) -> Manifest:
    installation = home.installation.read_text().strip()
    manifest = manifest_of(home, staging, installation=installation)
    unfinished = staging / "unfinished"
    pack(staging, manifest, unfinished)
    unfinished.rename(target)
    return manifest
