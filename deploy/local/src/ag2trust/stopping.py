"""How a command that leaves nothing half-made is stopped from outside a terminal."""

import signal
import threading
from types import FrameType

__all__ = ["clean_up_when_stopped"]


def clean_up_when_stopped() -> None:
    """Let SIGTERM and SIGHUP do what Ctrl-C does, which undoes what was begun."""
    if threading.current_thread() is not threading.main_thread():
        return  # no other can be told of signals
    for signum in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(signum) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(signum, _as_ctrl_c)


def _as_ctrl_c(_: int, frame: FrameType | None) -> None:
    """Do what SIGINT does now: asyncio cancels what runs, and interrupts no step of it.

    In the background of a script SIGINT does nothing, and the others still stop us.
    """
    handler = signal.getsignal(signal.SIGINT)
    interrupt = handler if callable(handler) else signal.default_int_handler
    interrupt(signal.SIGINT, frame)
