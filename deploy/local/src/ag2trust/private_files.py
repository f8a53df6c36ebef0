"""Files that only their owner may read, whole or not there at all."""

import os
from pathlib import Path

__all__ = ["make_private_folder", "write_private"]


def make_private_folder(folder: Path) -> Path:
    """Make *folder* for the owner alone, unless it is there."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def write_private(path: Path, text: str) -> Path:
    """Put *text* at *path*, mode 0600: after a crash the old file or the new one."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    return path
