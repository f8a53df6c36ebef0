"""Waiting until JetStream has kept many messages that were sent one after another.

nats-py waits for each with a task, a timer and an inbox of its own, which takes longer
than all the rest of sending an event.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

__all__ = ["Receipts"]


class Receipts:
    """Whoever sends asks for a reply to `subject(place)`, and then waits for `all`."""

    def __init__(self, inbox: str) -> None:
        self._inbox = inbox
        self._missing: set[str] = set()
        self._refusal: nats.errors.Error | None = None
        self._changed = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def heard_by(cls, client: Client) -> AsyncIterator["Receipts"]:
        inbox = client.new_inbox()
        receipts = cls(inbox)
        subscription = await client.subscribe(f"{inbox}.*", cb=receipts._receive)
        try:
            yield receipts
        finally:
            await subscription.unsubscribe()

    def subject(self, place: int) -> str:
        subject = f"{self._inbox}.{place}"
        self._missing.add(subject)
        return subject

    async def all(self) -> None:
        """Return once all is kept; raise the first refusal."""
        while self._missing and self._refusal is None:
            self._changed.clear()
            await self._changed.wait()
        if self._refusal:
            raise self._refusal

    async def _receive(self, message: Msg) -> None:
        self._missing.discard(message.subject)
        self._refusal = self._refusal or _refusal_in(message)
        if self._refusal or not self._missing:
            self._changed.set()


def _refusal_in(message: Msg) -> nats.errors.Error | None:
    """Read a receipt (JetStream wire API, PubAck); one without a body is nobody's."""
    if not message.data:
        return nats.js.errors.NoStreamResponseError()
    if b'"error"' not in message.data:  # as in most, which need not be read
        return None
    receipt = json.loads(message.data)
    return nats.js.errors.APIError(**receipt["error"]) if "error" in receipt else None
