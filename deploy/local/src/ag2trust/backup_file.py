"""The file that a backup is: a tar, whose first member says what the others must be."""

import hashlib
import os
import tarfile
import zlib
from datetime import datetime
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO

from pydantic import BaseModel, ConfigDict, ValidationError

from .errors import BackupUnusableError

__all__ = ["FORMAT", "Manifest", "pack", "sha256_of", "unpack", "within"]

FORMAT = 1

_MANIFEST = "manifest.json"
_MANIFEST_BYTES = 16 * 2**20
_CHUNK_BYTES = 2**20
_COMPRESSION = 1  # most of a spool is zeros, which need no more


class Manifest(BaseModel):
    """What a backup is of, and the SHA-256 of each file in it.

    *master_key* is the fingerprint of the one that its secrets need.
    """

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    product: str
    made_at: datetime
    installation: str
    master_key: str
    credentials_identity: str
    sha256: dict[str, str]


def pack(folder: Path, manifest: Manifest, target: Path) -> None:
    """Write the files that *manifest* names, below *folder*, to *target*, a new file.

    Raises `OSError`.
    """
    text = manifest.model_dump_json(indent=2).encode()
    member = tarfile.TarInfo(_MANIFEST)
    member.size = len(text)
    with target.open("xb") as file:
        with tarfile.open(
            fileobj=file, mode="w:gz", compresslevel=_COMPRESSION
        ) as archive:
            archive.addfile(member, BytesIO(text))
            for name in manifest.sha256:
                archive.add(folder / name, name, recursive=False)
        file.flush()
        os.fsync(file.fileno())


def unpack(source: Path, folder: Path) -> Manifest:
    """Write the files of *source* below *folder*, each compared with its checksum.

    Raises `BackupUnusableError`.
    """
    try:
        with tarfile.open(source, "r:gz") as archive:
            manifest = _manifest(archive, source)
            for name, sha256 in manifest.sha256.items():
                _unpack_one(archive, name, sha256, folder)
    except (tarfile.TarError, EOFError, zlib.error, LookupError, ValueError) as error:
        raise BackupUnusableError(
            f"{source.name} is no whole backup: damaged, cut short, or something else."
        ) from error
    except OSError as error:
        raise BackupUnusableError(
            f"{source} cannot be read: {error.strerror or error}."
        ) from error
    return manifest


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _manifest(archive: tarfile.TarFile, source: Path) -> Manifest:
    text = _opened(archive, _MANIFEST).read(_MANIFEST_BYTES)
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        raise BackupUnusableError(
            f"{source} says nothing of itself that this Ag2Trust understands."
        ) from error
    if manifest.format != FORMAT:
        raise BackupUnusableError(
            f"{source} is of format {manifest.format}, made by Ag2Trust "
            f"{manifest.product}; this one reads format {FORMAT}. Update first."
        )
    return manifest


def _unpack_one(archive: tarfile.TarFile, name: str, sha256: str, folder: Path) -> None:
    target = folder / within(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    member = _opened(archive, name)
    with target.open("xb") as file:
        while chunk := member.read(_CHUNK_BYTES):
            digest.update(chunk)
            file.write(chunk)
    if digest.hexdigest() != sha256:
        raise BackupUnusableError(
            f"{name} in the backup is not what was written there: its checksum differs."
        )


def within(name: str) -> PurePosixPath:
    """Refuse the name of a file that would lie elsewhere: `BackupUnusableError`."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise BackupUnusableError(f"The backup has a file of the name {name!r}.")
    return path


def _opened(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    file = archive.extractfile(name)
    if file is None:
        raise BackupUnusableError(f"{name} in the backup is no file.")
    return file
