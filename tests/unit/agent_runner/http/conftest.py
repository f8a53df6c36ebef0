"""Everything here holds on both event loops: the one of production and Python's own."""

import asyncio
from collections.abc import Callable, Mapping

import uvloop


def pytest_asyncio_loop_factories() -> Mapping[
    str, Callable[[], asyncio.AbstractEventLoop]
]:
    return {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}
