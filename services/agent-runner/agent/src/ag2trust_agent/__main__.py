"""Start the agent: closed to its neighbours and ready to stop, before anything else."""

import asyncio
import ctypes
import logging
import os
import signal
import sys
import traceback
from types import FrameType, TracebackType
from typing import NoReturn

_PR_SET_DUMPABLE = 4
"""prctl(2). Zero gives /proc/self to root: other processes of this user, a tool's for
example, cannot read the keys in `environ`."""


def main() -> NoReturn:
    _hide_memory()
    signal.signal(signal.SIGTERM, _exit_quietly)
    _log_our_own_words_only()
    sys.exit(_run())


def _hide_memory() -> None:
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl refused PR_SET_DUMPABLE")


def _exit_quietly(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Obey SIGTERM while the SDK loads; process 1 of a container would ignore it."""
    sys.exit(os.EX_OK)


def _log_our_own_words_only() -> None:
    """Libraries log addresses, which hold the token, and bodies, which are content."""
    logging.getLogger().addHandler(logging.NullHandler())
    ours = logging.getLogger(__package__)
    ours.addHandler(logging.StreamHandler(sys.stderr))
    ours.setLevel(logging.INFO)
    ours.propagate = False
    sys.excepthook = _tell_where


def _tell_where(
    kind: type[BaseException], _error: BaseException, trace: TracebackType | None
) -> None:
    """Tell of a bug its class and place, never its text: that may quote anything."""
    place = "".join(traceback.format_tb(trace))
    logging.getLogger(__package__).critical("%s at\n%s", kind.__name__, place)


def _run() -> int:
    # Loading takes a while: until then nothing but this module is imported.
    from .app import run  # noqa: PLC0415 - see above

    return asyncio.run(run())


if __name__ == "__main__":
    main()
