"""How a command that leaves nothing half-made is stopped from outside a terminal."""

import signal
import threading

__all__ = ["clean_up_when_stopped"]


def clean_up_when_stopped() -> None:
    """Let SIGTERM and SIGHUP do what Ctrl-C does, which undoes what was begun."""
    if threading.current_thread() is not threading.main_thread():
        return  # no other can be told of signals
    for signum in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(signum) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(signum, signal.default_int_handler)
