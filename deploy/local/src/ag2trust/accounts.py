"""As whom PostgreSQL runs when the launcher is root, which PostgreSQL refuses to be."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from .errors import LaunchError

__all__ = ["Account", "let_through", "unprivileged_account"]

_NAME = "nobody"  # initdb wants an account with a name; we create none


@dataclass(frozen=True, slots=True)
class Account:
    name: str
    uid: int
    gid: int

    def own(self, path: Path) -> None:
        os.chown(path, self.uid, self.gid, follow_symlinks=False)


def unprivileged_account() -> Account | None:
    """Return the account to change to; None means the launcher's own will do."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(_NAME)
    except KeyError:
        raise LaunchError(
            f"PostgreSQL refuses to run as root, and there is no account {_NAME!r} to "
            "run it as. Run as another user."
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def let_through(path: Path) -> list[Path]:
    """Let every account pass, not read, the folders above *path*; tell which changed.

    Only the permission to search is added, and only where it was missing.
    """
    changed = []
    for folder in path.resolve().parents:
        mode = stat.S_IMODE(folder.stat().st_mode)
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)
            changed.append(folder)
    return changed
