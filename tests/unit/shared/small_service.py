"""A service for `test_main.py`: its argument says what becomes of it."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import structlog
from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from shared.bus import BusClosedError, connect_bus
from shared.contracts.base import Service
from shared.database import connect_database
from shared.identity import Identity
from shared.lifecycle import background, main
from shared.settings import DatabaseSettings

CANARY = "sk-canary-17d3"

log = structlog.get_logger(__name__)


class Settings(DatabaseSettings):
    model_config = SettingsConfigDict(env_prefix="AG2TRUST_SMALL_")

    database_url: SecretStr = SecretStr("")
    sweep_database_url: SecretStr = SecretStr("")
    owner_database_url: SecretStr = SecretStr("")


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        match sys.argv[1]:
            case "identity":
                Identity.from_file(settings.identity_file)
            case "nats":
                await stack.enter_async_context(_nats(settings))
            case "postgres":
                await stack.enter_async_context(connect_database(settings))
            case "opens slowly":
                log.info("small.opening")
                await asyncio.Event().wait()
            case "closes slowly":
                stack.push_async_callback(_close_slowly)
            case "job fails":
                await stack.enter_async_context(background(_fail()))
            case "job crashes":
                await stack.enter_async_context(background(_crash()))
            case "both":
                await stack.enter_async_context(background(_fail(), _crash()))
            case "port is taken":
                raise OSError(98, "Address already in use")
            case _:
                pass
        yield


@asynccontextmanager
async def _nats(settings: Settings) -> AsyncIterator[None]:
    async with connect_bus(
        settings.nats_url,
        service=Service.METRICS,
        identity=Identity.generate(),
        within=timedelta(seconds=0.2),
    ):
        yield


async def _close_slowly() -> None:
    """Close once somebody has written a line."""
    log.info("small.closing")
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


async def _fail() -> None:
    raise BusClosedError("The connection to NATS closed for good.")


async def _crash() -> None:
    raise ValueError(CANARY)


main("small", Settings, serving)
