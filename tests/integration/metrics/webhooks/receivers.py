"""Servers that webhooks lead to: they remember what came, and answer as told."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

__all__ = ["HOST", "Delivered", "Receiver", "receiver"]

HOST = "127.0.0.1"

_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Delivered:
    id: str
    timestamp: str
    signature: str
    body: bytes

    @property
    def told(self) -> Any:
        return json.loads(self.body)

    def is_signed_with(self, secret: str) -> bool:
        """Verify as a receiver does, by the words of the specification."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        words = f"{self.id}.{self.timestamp}.".encode() + self.body
        digest = hmac.new(key, words, hashlib.sha256).digest()
        return self.signature == f"v1,{base64.b64encode(digest).decode()}"


@dataclass
class Receiver:
    """Answers *status*, when it is *open*; *most_held* requests waited at a time."""

    url: str
    status: int = 200
    location: str | None = None
    delivered: list[Delivered] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    held: int = 0
    most_held: int = 0

    async def receive(self, request: web.Request) -> web.Response:
        self.delivered.append(
            Delivered(
                request.headers["webhook-id"],
                request.headers["webhook-timestamp"],
                request.headers["webhook-signature"],
                await request.read(),
            )
        )
        self.held += 1
        self.most_held = max(self.most_held, self.held)
        self.arrived.set()
        try:
            await self.open.wait()
        finally:
            self.held -= 1
        headers = {"Location": self.location} if self.location else {}
        return web.Response(status=self.status, headers=headers)

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for what comes to make it so."""
        async with asyncio.timeout(_SECONDS):
            while not is_so():
                self.arrived.clear()
                await self.arrived.wait()

    @property
    def events(self) -> set[str]:
        """Tell of which events it was told."""
        return {each.told["data"]["id"] for each in self.delivered}

    @property
    def ids(self) -> set[str]:
        return {each.id for each in self.delivered}


@asynccontextmanager
async def receiver(
    status: int = 200, *, is_open: bool = True
) -> AsyncIterator[Receiver]:
    application = web.Application()
    runner = web.AppRunner(application, shutdown_timeout=0, handler_cancellation=True)
    running = Receiver("", status)
    if is_open:
        running.open.set()
    application.router.add_post("/hook/token-in-the-path", running.receive)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0)
    await site.start()
    port = runner.addresses[0][1]
    running.url = f"http://{HOST}:{port}/hook/token-in-the-path"
    try:
        yield running
    finally:
        running.open.set()
        await runner.cleanup()
