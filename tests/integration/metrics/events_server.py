"""A NATS server whose JetStream can be missing, with an onlooker who may read all."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import nats
import nats.js.errors
from nats.js.api import RawStreamMsg

from ag2trust.child import Command, running
from ag2trust.nats_server import NatsServer, configuration
from ag2trust.ports import free_port
from ag2trust.testing import identity_of
from shared.contracts.base import Service
from shared.identity import Identity

__all__ = ["EventsServer"]


class EventsServer:
    """Runs on one port and one store, as often as it is started."""

    def __init__(self, folder: Path) -> None:
        self._onlooker = Identity.generate()
        self._server = NatsServer(
            folder / "nats",
            log=folder / "nats.log",
            port=free_port(),
            logins={identity_of(service).public.nkey: service for service in Service},
        )

    @property
    def url(self) -> str:
        return self._server.url

    @asynccontextmanager
    async def running(self, *, with_jetstream: bool) -> AsyncIterator[None]:
        command = self._command(with_jetstream=with_jetstream)
        async with running(command, is_ready=self._server.is_ready):
            yield

    async def events(self) -> list[tuple[str, bytes]]:
        """Read subject and payload of every public event that is kept, in order."""
        return [(str(each.subject), each.data or b"") for each in await self._kept()]

    async def headers(self) -> list[dict[str, str]]:
        """Read the headers of the same."""
        return [each.headers or {} for each in await self._kept()]

    async def _kept(self) -> list[RawStreamMsg]:
        client = await nats.connect(
            self.url, nkeys_seed_str=self._onlooker.nkey_seed, connect_timeout=2
        )
        try:
            jetstream = client.jetstream()
            state = (await jetstream.stream_info("EVENTS")).state
            kept = range(state.first_seq, state.last_seq + 1) if state.messages else ()
            return [await jetstream.get_msg("EVENTS", sequence) for sequence in kept]
        except nats.js.errors.NotFoundError:
            return []
        finally:
            await client.close()

    def _command(self, *, with_jetstream: bool) -> Command:
        folder = self._server.folder
        folder.mkdir(exist_ok=True)
        told = configuration(
            port=self._server.port,
            store=folder / "jetstream",
            logins=self._server.logins,
        )
        if not with_jetstream:
            del told["jetstream"]
        file = folder / "with_onlooker.conf"
        file.write_text(json.dumps(told | {"authorization": self._logins(told)}))
        command = self._server.command()
        return replace(command, arguments=(command.arguments[0], "--config", str(file)))

    def _logins(self, told: dict[str, object]) -> dict[str, object]:
        authorization = told["authorization"]
        assert isinstance(authorization, dict)
        onlooker = {"nkey": self._onlooker.public.nkey}
        return {"users": [*authorization["users"], onlooker]}
