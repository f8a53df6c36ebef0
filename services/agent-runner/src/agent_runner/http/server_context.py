"""What all connections of a server have in common."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from time import time
from typing import Protocol

from .deadlines import Deadlines, Expiring
from .exchange import Application, InCallbacks, in_a_task
from .limits import Capacity, Limits
from .messages import http_date
from .turn import Turn

__all__ = ["Elsewhere", "ServerContext"]

Elsewhere = Callable[[bytes], asyncio.Protocol | None]
"""Names who takes a connection over whose next request begins so; None: we do."""


class Connection(Expiring, Protocol):
    """A connection, as its server needs it."""

    def drain(self) -> None:
        """Close, now or as soon as no request is in hand."""

    def abort(self) -> None:
        """Close at once, whatever is in hand."""


@dataclass(eq=False, slots=True)
class ServerContext:
    """*elsewhere* may take a connection over; *capacity* is left of *limits*.

    *in_callbacks* may answer a request in the place of *application*, or begin to;
    *turn* is that of all connections it passes anything on to.
    """

    application: Application
    limits: Limits
    deadlines: Deadlines
    tasks: asyncio.TaskGroup
    elsewhere: Elsewhere
    capacity: Capacity
    turn: Turn = field(default_factory=Turn)
    in_callbacks: InCallbacks = in_a_task
    connections: set[Connection] = field(default_factory=set)
    is_draining: bool = False
    is_finished: bool = False
    """Whether nobody looks after a connection that comes now."""
    has_emptied: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the last connection ends."""
    _second: int = 0
    _date: bytes = b""

    def forget(self, connection: Connection) -> None:
        self.connections.discard(connection)
        self.deadlines.discard(connection)
        if not self.connections:
            self.has_emptied.set()

    def admit(self) -> None:
        """Take one more exchange in; raises `UnavailableError` past capacity."""
        self.capacity.admit()
        self.turn.calls_in_hand += 1

    def dismiss(self) -> None:
        self.capacity.dismiss()
        self.turn.calls_in_hand -= 1

    def date(self) -> bytes:
        now = int(time())
        if now != self._second:
            self._second, self._date = now, http_date(now)
        return self._date
