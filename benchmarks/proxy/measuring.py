"""All that is measured of one proxy in one round."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from .asking import BURST, DELAYED, KEY, PACED, PLAIN, chat
from .debian import Tools
from .loads import Asked, Closed, Timed, closed_loop, open_loop, paced_streams
from .peers import Target
from .processes import Started

__all__ = ["Measurement", "Run", "measured"]

_OPEN_LOOP_RATE = 200.0
_STREAMS = 100
_TIMES = 5
_LARGE_PROMPT_BYTES = 100 * 1024


@dataclass(frozen=True)
class Run:
    """One closed loop; *cpu_us* is the proxy's processor time for a request."""

    load: Closed
    cpu_us: float


@dataclass
class Measurement:
    resting_megabytes: float = 0.0
    peak_megabytes: float = 0.0
    runs: dict[str, Run] = field(default_factory=dict)
    timed: dict[str, Timed] = field(default_factory=dict)


CLOSED = {
    "plain, 1 connection": (PLAIN, 1, 0),
    "plain, 16": (PLAIN, 16, 0),
    "plain, 128": (PLAIN, 128, 0),
    "50 ms upstream, 1,000": (DELAYED, 1000, 0),
    "stream in a burst, 1": (BURST, 1, 0),
    "stream in a burst, 16": (BURST, 16, 0),
    "100 KiB prompts, 16": (PLAIN, 16, _LARGE_PROMPT_BYTES),
}
"""Place of the upstream, connections, and bytes of the prompt if it is a large one."""


def measured(
    target: Target,
    proxy: Started | None,
    *,
    port: int,
    seconds: float,
    folder: Path,
    tools: Tools,
) -> Measurement:
    """Put every load on *port*; *proxy* is None for the upstream itself."""
    found = Measurement(resting_megabytes=proxy.resident_megabytes() if proxy else 0.0)
    warm = _asked(target, port, PLAIN)
    closed_loop(warm, connections=16, seconds=1, folder=folder, tools=tools)
    for name, (place, connections, prompt) in CLOSED.items():
        asked = _asked(target, port, place, prompt_bytes=prompt)
        before = proxy.cpu_seconds() if proxy else 0.0
        load = closed_loop(
            asked,
            connections=connections,
            seconds=seconds,
            folder=folder,
            tools=tools,
        )
        spent = proxy.cpu_seconds() - before if proxy else 0.0
        found.runs[name] = Run(load, spent / max(1, load.requests) * 1e6)
    found.timed["open loop, 200/s"] = asyncio.run(
        open_loop(warm, rate=_OPEN_LOOP_RATE, seconds=seconds)
    )
    streaming = paced_streams(
        _asked(target, port, PACED), streams=_STREAMS, times=_TIMES
    )
    # Thousands of events a second: the quicker loop leaves the upstream its core. Its
    # clock is too coarse for the open loop.
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found.timed["first event, 100 streams"] = runner.run(streaming)
    found.peak_megabytes = proxy.peak_megabytes() if proxy else 0.0
    return found


def _asked(target: Target, port: int, place: str, *, prompt_bytes: int = 0) -> Asked:
    body = chat(
        target.model(place),
        is_streamed=place in {BURST, PACED},
        **({"prompt_bytes": prompt_bytes} if prompt_bytes else {}),
    )
    headers = {"Authorization": f"Bearer {KEY}", **target.headers(place)}
    return Asked(port, target.path(place), headers, body)
