"""How long `GET` of one object takes: `python benchmarks/gateway/one_object.py`.

The gateway runs as a process of its own on one core, over NATS, PostgreSQL and the
credentials service, each a process too. Requests come at a fixed rate whether or not
the ones before are answered, and a time is counted from when its request was due: so
a gateway that stands still is not spared the requests that it kept waiting.

`--rate` is how many a second (500), `--seconds` for how long (20). It prints the 50th,
99th and 99.9th percentile, the longest, and the machine's load, which bears on them;
and each program's time on a core for an answer, on which other work bears little.
`--loops uvloop asyncio --rounds 3` runs the gateway on one event loop after the other,
so that both see the same machine.
"""

import argparse
import asyncio
import hashlib
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path

import aiohttp

from ag2trust.child import Command, running
from ag2trust.ports import is_listening
from ag2trust.testing import Stack, fresh_stack, running_servers
from shared.contracts.base import Service

KEY = "cust_" + "b" * 40
CONNECTIONS = 64
WARM_UP_SECONDS = 3.0
GATEWAY_CORE = 0
LOOPS = ("uvloop", "asyncio")
GATEWAY = """
import {loop}
from gateway.app import serving
from gateway.settings import Settings
from shared.lifecycle import main

main("gateway", Settings, serving, new_event_loop={loop}.new_event_loop)
"""
PROVIDER = {"name": "one", "type": "openai", "api_key": "sk-benchmark"}


@dataclass
class Times:
    """Milliseconds of each answer, and how many questions got none."""

    taken: list[float] = field(default_factory=list)
    failed: int = 0

    def percentile(self, thousandth: int) -> float:
        return statistics.quantiles(self.taken, n=1000)[thousandth - 1]


async def main() -> None:
    chosen = arguments()
    for _ in range(chosen.rounds):
        for loop in chosen.loops:
            await measure(loop, rate=chosen.rate, seconds=chosen.seconds)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--loops", nargs="+", choices=LOOPS, default=LOOPS[:1])
    parser.add_argument("--rounds", type=int, default=1)
    return parser.parse_args()


async def measure(loop: str, *, rate: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory(prefix="ag2trust-benchmark-") as folder:
        async with (
            running_servers(Path(folder)) as servers,
            fresh_stack(servers, Path(folder)) as stack,
            services(stack, loop) as (port, names),
        ):
            path = await made_provider(port)
            await load(port, path, rate=rate, seconds=WARM_UP_SECONDS)
            before = seconds_on_a_core(names)
            times = await load(port, path, rate=rate, seconds=seconds)
            after = seconds_on_a_core(names)
            busy = {name: after[name] - before.get(name, 0) for name in after}
    print(f"GET of one provider, {rate} a second for {seconds:g} s, on {loop}")
    tell(times, busy)


@asynccontextmanager
async def services(
    stack: Stack, loop: str
) -> AsyncIterator[tuple[int, dict[int, str]]]:
    """Run credentials and the gateway, the latter on one core; yield port and pids."""
    environment = stack.environment(
        Service.GATEWAY,
        AG2TRUST_GATEWAY_BOOTSTRAP_KEY_HASH=hashlib.sha256(KEY.encode()).hexdigest(),
        AG2TRUST_GATEWAY_REQUESTS_PER_MINUTE="100000000",
        AG2TRUST_GATEWAY_LOG_LEVEL="warning",
    )
    port = int(environment["AG2TRUST_GATEWAY_PORT"])
    credentials = command(
        "credentials",
        stack.environment(Service.CREDENTIALS),
        stack,
        "-m",
        "credentials",
    )
    gateway = command("gateway", environment, stack, "-c", GATEWAY.format(loop=loop))
    async with (
        running(credentials, is_ready=lambda _: True) as its_neighbour,
        running(gateway, is_ready=lambda _: is_listening(port)) as process,
    ):
        os.sched_setaffinity(process.pid, {GATEWAY_CORE})
        yield port, {process.pid: "gateway", its_neighbour.pid: "credentials"}


def command(
    module: str, environment: dict[str, str], stack: Stack, *arguments: str
) -> Command:
    return Command(
        name=module,
        arguments=(sys.executable, *arguments),
        environment=environment,
        log=stack.folder / f"{module}.log",
    )


async def made_provider(port: int) -> str:
    """Add the one object, as soon as credentials answers; return its path."""
    async with aiohttp.ClientSession(
        f"http://127.0.0.1:{port}", headers={"X-API-Key": KEY}
    ) as session:
        while True:
            async with session.post("/api/providers", json=PROVIDER) as response:
                if response.status == 201:
                    return f"/api/providers/{(await response.json())['id']}"
            await asyncio.sleep(0.2)


async def load(port: int, path: str, *, rate: int, seconds: float) -> Times:
    """Ask at *rate*; a question whose turn has come waits for a free connection."""
    question = (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-API-Key: {KEY}\r\n\r\n"
    ).encode()
    times, due = Times(), asyncio.Queue[float | None]()
    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(asking(port, question, due, times))
        begun = time.perf_counter()
        for number in range(round(rate * seconds)):
            at = begun + number / rate
            if (early := at - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            due.put_nowait(at)
        for _ in range(CONNECTIONS):
            due.put_nowait(None)
    return times


async def asking(
    port: int, question: bytes, due: "asyncio.Queue[float | None]", times: Times
) -> None:
    """Ask over one connection whatever is due, until nothing will be."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (at := await due.get()) is not None:
        writer.write(question)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(content_length(head))
        if head.startswith(b"HTTP/1.1 200 "):
            times.taken.append((time.perf_counter() - at) * 1000)
        else:
            times.failed += 1
    writer.close()
    await writer.wait_closed()


def content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def seconds_on_a_core(names: dict[int, str]) -> dict[str, float]:
    """Return how long each program that runs below this one was on a core so far.

    Those in *names* have that name, others their own (proc_pid_stat(5)).
    """
    spent: defaultdict[str, float] = defaultdict(float)
    below = {os.getpid()}
    for pid in sorted(int(each.name) for each in Path("/proc").glob("[0-9]*")):
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except FileNotFoundError:
            continue
        called = stat.partition("(")[2].rpartition(")")[0]
        _, parent, *facts = stat.rpartition(")")[2].split()
        if int(parent) in below:
            below.add(pid)
            ticks = int(facts[9]) + int(facts[10])
            spent[names.get(pid, called)] += ticks / os.sysconf("SC_CLK_TCK")
    return spent


def tell(times: Times, busy: dict[str, float]) -> None:
    cores, queue = os.cpu_count(), os.getloadavg()[0]
    answers = len(times.taken) + times.failed
    print(f"  answered   {len(times.taken):,}, not: {times.failed:,}")
    print(f"  50 %       {times.percentile(500):8.2f} ms")
    print(f"  99 %       {times.percentile(990):8.2f} ms")
    print(f"  99.9 %     {times.percentile(999):8.2f} ms")
    print(f"  longest    {max(times.taken):8.2f} ms")
    for program, spent in sorted(busy.items(), key=itemgetter(1), reverse=True):
        print(f"  {program:<12} {spent / answers * 1000:6.2f} ms on a core, an answer")
    print(f"  load       {queue:.1f} on {cores} cores, this program's part included")


if __name__ == "__main__":
    asyncio.run(main())
