"""How long a provider's failure takes: `python -m benchmarks.proxy.failover`.

A provider that fails in one way and a fallback that answers at once stand beside the
proxy, all in one process. What is shown is the time from the request to the answer, and
what the failure adds to a call that its provider answered. Each call is made with its
breaker closed, but for the last row: there the provider rests and is not asked.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median, quantiles

from agent_runner.hosted_agents import HostedAgent, HostedAgents
from agent_runner.proxy.forwarding import Forwarding
from shared.contracts.routes import Fallback

from .asking import ANSWER, EVENTS, KEY, MODEL, PLAIN, PROXY_PORT, chat, token_of
from .ours import HOST, agent, serving

_CALLS = 300
_NOBODY = "http://127.0.0.1:1/v1"
_ERROR = b'{"error":{"message":"Busy.","type":"server_error","code":null}}'


def _whole(status: bytes, body: bytes, kind: bytes = b"application/json") -> bytes:
    return b"HTTP/1.1 %b\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n%b" % (
        status,
        kind,
        len(body),
        body,
    )


_STREAM = b"text/event-stream"
_GOOD = _whole(b"200 OK", ANSWER.encode())
_GOOD_STREAM = _whole(b"200 OK", "".join(EVENTS).encode(), _STREAM)
_BUSY = _whole(b"503 Busy", _ERROR)
_BUSY_STREAM = _whole(b"200 OK", b"data: " + _ERROR + b"\n\n", _STREAM)


@asynccontextmanager
async def _provider(answer: bytes) -> AsyncIterator[str]:
    """Serve one answer to everything; give the base URL."""

    async def converse(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length:")[2]
                await reader.readexactly(int(length.split(b"\r\n")[0]))
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            writer.close()

    server = await asyncio.start_server(converse, HOST, 0)
    async with server:
        yield f"http://{HOST}:{server.sockets[0].getsockname()[1]}/v1"


def _fall_back(hosted: HostedAgents, first: str, then: str) -> HostedAgent:
    """Let the one agent have a provider and a fallback."""
    for each in hosted:
        hosted.remove(each)
    caller = agent(first, token=token_of(PLAIN))
    other = agent(then, token="").lease
    provider_id = other.credential.provider_id
    fallback = Fallback(provider_id=provider_id, model=MODEL)
    caller.agent_type = caller.agent_type.model_copy(update={"fallbacks": [fallback]})
    caller.fallback_leases[provider_id] = other
    hosted.add(caller)
    return caller


async def _call(body: bytes) -> float:
    """Make one call on a connection of its own; give its microseconds."""
    reader, writer = await asyncio.open_connection(HOST, PROXY_PORT)
    path = f"/a/{token_of(PLAIN)}/openai/v1/chat/completions"
    head = (
        f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    began = time.perf_counter()
    writer.write(head.encode() + body)
    status = await reader.readline()
    await reader.read()
    took = time.perf_counter() - began
    writer.close()
    if b" 200 " not in status:
        raise RuntimeError(f"the call was answered {status!r}")
    return took * 1e6


async def main() -> None:
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(dir="."))
        good = await stack.enter_async_context(_provider(_GOOD))
        good_stream = await stack.enter_async_context(_provider(_GOOD_STREAM))
        busy = await stack.enter_async_context(_provider(_BUSY))
        busy_stream = await stack.enter_async_context(_provider(_BUSY_STREAM))
        hosted, forwarding = await stack.enter_async_context(
            serving(Path(folder), good, PROXY_PORT)
        )
        show = partial(_show, hosted, forwarding)
        whole = partial(_Case, body=chat(MODEL), then=good)
        streamed = partial(_Case, body=chat(MODEL, is_streamed=True), then=good_stream)
        print(f"{'':34}{'p50':>10}{'p99':>10}{'added, p50':>14}   (microseconds)")
        base = await show(whole("whole, no failure", first=good))
        await show(whole("whole, no connection", first=_NOBODY), base=base)
        await show(whole("whole, 503", first=busy), base=base)
        base = await show(streamed("streamed, no failure", first=good_stream))
        await show(
            streamed("streamed, error at the head", first=busy_stream), base=base
        )
        await show(
            whole("whole, provider left alone", first=busy), closes_breakers=False
        )


@dataclass(frozen=True, slots=True)
class _Case:
    """A provider, and the fallback that is asked *then*."""

    name: str
    first: str
    then: str
    body: bytes


async def _show(
    hosted: HostedAgents,
    forwarding: Forwarding,
    case: _Case,
    *,
    base: float | None = None,
    closes_breakers: bool = True,
) -> float:
    caller = _fall_back(hosted, case.first, case.then)
    circuit = (caller.agent_type.provider_id, MODEL)
    times = []
    for _ in range(_CALLS):
        if closes_breakers:
            forwarding.breakers.succeeded(circuit)
        times.append(await _call(case.body))
    middle, last = median(times), quantiles(times, n=100)[-1]
    added = "" if base is None else f"{middle - base:,.0f}"
    print(f"{case.name:34}{middle:>10,.0f}{last:>10,.0f}{added:>14}")
    return middle


if __name__ == "__main__":
    asyncio.run(main())
