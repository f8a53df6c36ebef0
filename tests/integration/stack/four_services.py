"""The four services in one process, on a real NATS and PostgreSQL.

Each is assembled by its own `serving`, with its own identity, roles and permissions.
"""

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from types import MappingProxyType
from typing import Any

import agent_runner.app
import agent_runner.settings
import credentials.app
import credentials.settings
import gateway.app
import gateway.settings
import metrics.app
import metrics.settings
from ag2trust.testing import Stack
from agent_runner.assembly.ground import OpenRuntime, runtime_of
from shared.contracts.base import Service

__all__ = ["OWNER_KEY", "four_services"]

OWNER_KEY = "cust_" + "a1B2" * 8


@asynccontextmanager
async def four_services(
    stack: Stack,
    *,
    of_runner: Mapping[str, Any] = MappingProxyType({}),
    of_metrics: Mapping[str, Any] = MappingProxyType({}),
    open_runtime: OpenRuntime = runtime_of,
    **of_gateway: Any,
) -> AsyncIterator[str]:
    """Run a fresh installation that `OWNER_KEY` opens; yield the gateway's URL."""
    door = stack.settings(
        gateway.settings.Settings,
        Service.GATEWAY,
        bootstrap_key_hash=hashlib.sha256(OWNER_KEY.encode()).hexdigest(),
        **of_gateway,
    )
    async with AsyncExitStack() as services:
        await services.enter_async_context(
            credentials.app.serving(
                stack.settings(credentials.settings.Settings, Service.CREDENTIALS)
            )
        )
        await services.enter_async_context(
            metrics.app.serving(
                stack.settings(metrics.settings.Settings, Service.METRICS, **of_metrics)
            )
        )
        await services.enter_async_context(
            agent_runner.app.serving(
                stack.settings(
                    agent_runner.settings.Settings, Service.AGENT_RUNNER, **of_runner
                ),
                open_runtime=open_runtime,
            )
        )
        await services.enter_async_context(gateway.app.serving(door))
        yield f"http://127.0.0.1:{door.port}"
