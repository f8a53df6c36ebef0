"""What docker-compose.yml keeps in volumes, as a backup and back from one.

`python -m ag2trust.composed_backup …` in a container that has the volumes of
`provision`, with streams for files, because nothing of the host is mounted there:

keys      → a tar of the keys, the master key among them
heads     → a tar of the signed heads of the audit, which are read before the database
back-up   a tar of those heads and of the database's dump → the backup
restore   a tar of the backup and of the tar of the keys → the dump, volumes made

The backup is one as `ag2trust backup` makes it; people run `deploy/compose`.
"""

import shutil
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from .backup import AUDIT, DUMP, SPOOL, copy_heads, copy_spool, manifest_of
from .backup_file import pack, unpack, within
from .errors import (
    BackupUnusableError,
    HomeUnusableError,
    LaunchError,
    NoInstallationError,
)
from .private_files import make_private_folder, write_private
from .provision import ROOT, Vault
from .restore import require_keys_of, require_known_version

__all__ = ["back_up", "restore", "write_heads", "write_keys"]

BACKUP = "backup"
KEYS = "keys.tar"

_INSTALLATION = "ag2trust"


def write_keys(root: Path, target: IO[bytes]) -> None:
    """Write them to *target*; raise `NoInstallationError`."""
    vault = _installed(root)
    with tarfile.open(fileobj=target, mode="w|") as archive:
        for folder in (vault.keys, vault.master_key.parent):
            for path in sorted(folder.iterdir()):
                archive.add(path, path.name)


def write_heads(root: Path, target: IO[bytes]) -> None:
    """Write them to *target*; raise `NoInstallationError`."""
    _installed(root)
    with _room(root) as room, tarfile.open(fileobj=target, mode="w|") as archive:
        copy_heads(root / AUDIT, room / AUDIT)
        archive.add(room / AUDIT, AUDIT)


def back_up(root: Path, source: IO[bytes], target: IO[bytes]) -> None:
    """Add the spool, which is read last, to what *source* has; raise `LaunchError`."""
    vault = Vault(root / "vault")
    with _room(root) as room:
        staging = room / "files"
        _extract(source, staging)
        copy_spool(_spool(root), staging / SPOOL)
        manifest = manifest_of(vault, staging, installation=_INSTALLATION)
        pack(staging, manifest, room / BACKUP)
        _copy(room / BACKUP, target)


def restore(root: Path, source: IO[bytes], target: IO[bytes]) -> None:
    """Make the volumes below *root*, which must be empty; raise `LaunchError`.

    Nothing was made then. The dump goes to *target*: PostgreSQL does not run yet.
    """
    vault = Vault(root / "vault")
    _require_nothing_in(vault)
    with _room(root) as room:
        _extract(source, room)
        keys, files = room / "keys", room / "files"
        with (room / KEYS).open("rb") as archive:
            _extract(archive, keys)
        manifest = unpack(room / BACKUP, files)
        require_known_version(manifest)
        require_keys_of(manifest, keys)
        _put_keys(vault, keys)
        _fill(_spool(root), files / SPOOL)
        _fill(root / AUDIT, files / AUDIT)
        _copy(files / DUMP, target)


def _installed(root: Path) -> Vault:
    vault = Vault(root / "vault")
    if not vault.version.exists():
        raise NoInstallationError(
            "There is no installation in these volumes. Name another with "
            "COMPOSE_PROJECT_NAME."
        )
    return vault


def _spool(root: Path) -> Path:
    return root / "agent-runner-state" / "spool"


@contextmanager
def _room(root: Path) -> Iterator[Path]:
    """Provide a folder in the vault: a container has no other place to write to."""
    with TemporaryDirectory(dir=make_private_folder(root / "vault")) as made:
        yield Path(made)


def _extract(source: IO[bytes], folder: Path) -> None:
    """Write the files of a tar below *folder*; raise `BackupUnusableError`."""
    try:
        with tarfile.open(fileobj=source, mode="r|") as archive:
            for member in archive:
                if content := archive.extractfile(member):
                    target = folder / within(member.name)
                    make_private_folder(target.parent)
                    target.touch(mode=0o600, exist_ok=False)
                    with target.open("wb") as file:
                        shutil.copyfileobj(content, file)
    except (tarfile.TarError, EOFError) as error:
        raise BackupUnusableError(
            "What was given is no whole tar: damaged, or cut short."
        ) from error


def _require_nothing_in(vault: Vault) -> None:
    if vault.version.exists() or vault.master_key.exists():
        raise HomeUnusableError(
            "This installation has keys, and a backup is restored into nothing else. "
            "Name another with COMPOSE_PROJECT_NAME, or remove its volumes."
        )


def _put_keys(vault: Vault, keys: Path) -> None:
    """Master keys have a volume of their own."""
    for path in keys.iterdir():
        is_master_key = path.suffix == ".key"
        folder = vault.master_key.parent if is_master_key else vault.keys
        write_private(make_private_folder(folder) / path.name, path.read_text())
    write_private(vault.version, "1\n")


def _fill(folder: Path, source: Path) -> None:
    """Copy what an empty folder has in the backup as no folder at all."""
    if source.exists():
        shutil.copytree(source, folder, dirs_exist_ok=True)


def _copy(path: Path, target: IO[bytes]) -> None:
    with path.open("rb") as file:
        shutil.copyfileobj(file, target)


def _main() -> None:
    given, taken = sys.stdin.buffer, sys.stdout.buffer
    try:
        match sys.argv[1:]:
            case ["keys"]:
                write_keys(ROOT, taken)
            case ["heads"]:
                write_heads(ROOT, taken)
            case ["back-up"]:
                back_up(ROOT, given, taken)
            case ["restore"]:
                restore(ROOT, given, taken)
            case _:
                sys.exit("Say what to do: keys, heads, back-up, or restore.")
    except LaunchError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)


if __name__ == "__main__":
    _main()
