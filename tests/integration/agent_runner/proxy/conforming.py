"""What an official client gets from the provider itself, and what through the proxy.

A scenario takes a client and returns what its user sees. It is played twice; ids and
times, which the provider makes anew, are left out of the comparison.
"""

import asyncio
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel

from ag2trust_sandbox import Sandbox, Step

__all__ = ["ONE_PIXEL", "played", "seen"]

ONE_PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAA"
    "AABJRU5ErkJggg=="
)
_MADE_ANEW = frozenset(
    {
        "call_id",
        "created",
        "created_at",
        "completed_at",
        "id",
        "item_id",
        "latencyMs",
        "ResponseMetadata",
        "toolUseId",
        "_request_id",
    }
)

Scenario = Callable[[Any], Any]


async def seen(scenario: Scenario, client: Any) -> Any:
    """Play a scenario; a client that blocks does so in a thread."""
    if inspect.iscoroutinefunction(scenario):
        return _as_seen(await scenario(client))
    return _as_seen(await asyncio.to_thread(scenario, client))


async def played(
    sandbox: Sandbox, scenario: Scenario, step: Step, *clients: Any
) -> list[Any]:
    """Play a scenario with each of *clients*, always answered by *step*."""
    sandbox.play(step.model_copy(update={"repeat": len(clients)}))
    return [await seen(scenario, client) for client in clients]


def _as_seen(value: Any) -> Any:
    """Reduce what a client returns to plain values that two calls have in common."""
    match value:
        case BaseModel():
            return _as_seen(value.model_dump(mode="json", warnings=False))
        case Mapping():
            return {
                name: _as_seen(each)
                for name, each in value.items()
                if name not in _MADE_ANEW
            }
        case list() | tuple():
            return [_as_seen(each) for each in value]
        case _:
            return value
