"""Loads on a proxy: wrk where it must be saturated, our own client where it is timed.

wrk sends the next request as soon as the last one is answered (closed loop). Our own
client sends at a fixed rate whatever happens (open loop), and reads streams event by
event; its load is light enough for Python to be on time.
"""

import asyncio
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from time import perf_counter

from .asking import FRAMES
from .debian import Tools

__all__ = ["Asked", "Closed", "Timed", "closed_loop", "open_loop", "paced_streams"]

_LUA = """\
local file = io.open("{body}", "rb")
wrk.method, wrk.body = "POST", file:read("*a")
file:close()
wrk.headers["Content-Type"] = "application/json"
{headers}
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\\n{{"requests": %d, "seconds": %f, "p50_us": %f, "p99_us": %f, "errors": %d}}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50),
    latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""
_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Asked:
    """One request, and where it goes."""

    port: int
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def wire(self) -> bytes:
        fields = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{fields}"
            "Content-Type: application/json\r\n"
            f"Content-Length: {len(self.body)}\r\n\r\n"
        )
        return head.encode() + self.body


@dataclass(frozen=True)
class Closed:
    """What wrk saw."""

    requests: int
    seconds: float
    p50_us: float
    p99_us: float
    errors: int

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


@dataclass(frozen=True)
class Timed:
    """Times of single requests or first events, sorted, in microseconds."""

    times_us: list[float]
    errors: int

    def percentile(self, part: float) -> float:
        """Give the nearest rank: the least time that *part* of all do not exceed."""
        if not self.times_us:
            return float("nan")
        return self.times_us[max(0, ceil(part * len(self.times_us)) - 1)]


def closed_loop(
    asked: Asked, *, connections: int, seconds: float, folder: Path, tools: Tools
) -> Closed:
    """Run wrk, one thread, on the core of this process."""
    body = folder / "body.json"
    body.write_bytes(asked.body)
    headers = "\n".join(
        f'wrk.headers["{name}"] = "{value}"' for name, value in asked.headers.items()
    )
    script = folder / "post.lua"
    script.write_text(_LUA.format(body=body, headers=headers))
    said = subprocess.run(  # noqa: S603 - a fixed program
        [
            *(
                str(tools.wrk),
                "-t1",
                f"-c{connections}",
                f"-d{max(1, round(seconds))}s",
            ),
            *("--timeout", f"{_PATIENCE_SECONDS:.0f}s", "-s", str(script)),
            f"http://127.0.0.1:{asked.port}{asked.path}",
        ],
        check=True,
        capture_output=True,
        env=tools.environment,
        text=True,
    ).stdout
    return Closed(**json.loads(said.splitlines()[-1]))


async def open_loop(asked: Asked, *, rate: float, seconds: float) -> Timed:
    """Send *rate* requests a second, each timed from when it was due."""
    loop = asyncio.get_running_loop()
    resting: list[_Connection] = []
    times: list[float] = []
    errors = 0

    async def one(due: float) -> None:
        nonlocal errors
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                connection = resting.pop() if resting else await _connect(asked.port)
                await connection.answer_to(asked.wire)
            resting.append(connection)
            times.append((loop.time() - due) * 1e6)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            errors += 1

    began = loop.time()
    async with asyncio.TaskGroup() as group:
        for number in range(round(rate * seconds)):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - loop.time()))
            group.create_task(one(due))
    for connection in resting:
        connection.close()
    return Timed(sorted(times), errors)


async def paced_streams(asked: Asked, *, streams: int, times: int) -> Timed:
    """Read *streams* at once, and then as many again; all must be whole.

    Times the first event of each.
    """
    first_events: list[float] = []
    errors = 0

    async def one(delay: float) -> None:
        nonlocal errors
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                connection = await _connect(asked.port)
                await asyncio.sleep(delay)
                began = perf_counter()
                first, events = await connection.stream_for(asked.wire)
                connection.close()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            errors += 1
            return
        first_events.append((first - began) * 1e6)
        errors += events < FRAMES - 1  # without the report that was asked for, or cut

    for _ in range(times):
        async with asyncio.TaskGroup() as group:
            for number in range(streams):
                # Spread over the pause between two events, as clients would be.
                group.create_task(one(0.5 + number * 0.0071 % 0.5))
    return Timed(sorted(first_events), errors)


class _Connection:
    """A client's connection that reads just enough of HTTP to find an answer's end."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._reader = reader
        self._writer = writer

    async def answer_to(self, request: bytes) -> None:
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise ConnectionError
        lowered = head.lower()
        if b"transfer-encoding: chunked" in lowered:
            await self._reader.readuntil(b"\r\n0\r\n\r\n")
            return
        length = lowered.partition(b"content-length:")[2].partition(b"\r\n")[0]
        await self._reader.readexactly(int(length))

    async def stream_for(self, request: bytes) -> tuple[float, int]:
        """Return when the first event came, and how many did."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise ConnectionError
        await self._reader.readuntil(b"data: ")
        first, events = perf_counter(), 1
        while b"0\r\n\r\n" not in (line := await self._reader.readuntil(b"\n\r\n")):
            events += line.count(b"data: ")
        return first, events

    def close(self) -> None:
        self._writer.transport.abort()


async def _connect(port: int) -> _Connection:
    return _Connection(*await asyncio.open_connection("127.0.0.1", port))
