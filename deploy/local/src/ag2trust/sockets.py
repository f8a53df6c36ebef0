"""Where a Unix socket lies: in a folder that is its owner's alone."""

import hashlib
import os
import stat
from pathlib import Path

from .accounts import Account
from .errors import HomeUnusableError

__all__ = ["make_own_folder", "socket_folder"]

_SOCKET_PATH_BYTES = 107  # sun_path without its final zero (unix(7))


def socket_folder(beside: Path, name: str) -> Path:
    """Return *beside*, unless the path of a socket *name* would be too long there."""
    if len(bytes(beside / name)) <= _SOCKET_PATH_BYTES:
        return beside
    digest = hashlib.sha256(bytes(beside)).hexdigest()[:16]
    return Path("/tmp") / f"ag2trust-{digest}"  # noqa: S108 - `make_own_folder` checks


def make_own_folder(folder: Path, account: Account | None = None) -> None:
    """Make *folder* private to the account; refuse one that is somebody else's."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    owners = {os.geteuid(), account.uid if account else os.geteuid()}
    found = folder.lstat()  # not what a link of somebody else leads to
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners:
        raise HomeUnusableError(f"{folder} belongs to somebody else; remove it.")
    folder.chmod(0o700)
    if account:
        account.own(folder)
