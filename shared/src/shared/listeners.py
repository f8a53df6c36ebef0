"""Listening no more without losing whom the listener has just accepted."""

import asyncio

__all__ = ["stop_listening"]


def stop_listening(listener: asyncio.Server) -> None:
    """Accept nobody any more, and close *listener* in the loop's next turn.

    Whoever was accepted in the turn in which their server is closed, CPython drops on
    an assertion: they are neither served nor closed (gh-109564, open in 2026).
    """
    loop = listener.get_loop()
    for each in listener.sockets:
        loop.remove_reader(each)
    loop.call_soon(listener.close)
