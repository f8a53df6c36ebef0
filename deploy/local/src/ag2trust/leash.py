"""Become a command that ends when its parent does.

Run as a script, `leash.py <parent> <signal> <uid> <gid> <command> …`, so that the
process keeps its id: a kill -9 of the launcher then leaves nothing behind. The parent's
death is a promise of Linux (prctl(2), PR_SET_PDEATHSIG); elsewhere only the next start
of the launcher clears up. A uid of -1 keeps the account.

Imports nothing of ours: it runs without site-packages, for a start in milliseconds.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(arguments: list[str]) -> None:
    parent, signum, uid, gid = map(int, arguments[:4])
    command = arguments[4:]
    if uid >= 0:
        _become(uid, gid)
    if sys.platform == "linux":
        _die_with_parent(parent, signum)
    try:
        os.execv(command[0], command)  # noqa: S606 - no shell is the point
    except OSError as error:
        sys.exit(f"{command[0]} cannot be run: {error.strerror}")


def _become(uid: int, gid: int) -> None:
    """Comes first: a change of account would clear the death signal."""
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def _die_with_parent(parent: int, signum: int) -> None:
    if ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signum, 0, 0, 0) != 0:
        sys.exit(os.EX_OSERR)
    if os.getppid() != parent:  # it died before the line above
        sys.exit(os.EX_TEMPFAIL)


if __name__ == "__main__":
    main(sys.argv[1:])
