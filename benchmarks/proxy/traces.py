"""What traces cost the proxy: `python -m benchmarks.proxy.traces`.

Our proxy is saturated with plain calls, without a collector, with one that is sent the
spans of every call, and with one that is sent a tenth. The collector is the upstream,
which takes them and forgets. Rounds go through all of them; medians are shown.
"""

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from .__main__ import LOAD_CORE, PROXY_CORE, made, say, upstream_running
from .asking import KEY, PLAIN, PROXY_PORT, UPSTREAM_PORT, chat
from .debian import Tools, fetched_tools
from .loads import Asked, closed_loop
from .peers import OURS
from .processes import started

_COLLECTOR = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{UPSTREAM_PORT}"}
_WAYS: Mapping[str, Mapping[str, str]] = {
    "no collector": {},
    "every call": _COLLECTOR,
    "a tenth": {
        **_COLLECTOR,
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "0.1",
    },
}
_CONNECTIONS = 16
_WARM_UP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Cost:
    calls_a_second: float
    cpu_us: float
    errors: int


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--folder", type=Path, default=Path("build/bench-proxy"))
    arguments.add_argument("--seconds", type=float, default=4.0)
    arguments.add_argument("--rounds", type=int, default=5)
    options = arguments.parse_args()
    folder = options.folder.resolve()
    tools = fetched_tools(folder / "debian")
    os.sched_setaffinity(0, {LOAD_CORE})
    found: dict[str, list[Cost]] = {way: [] for way in _WAYS}
    with upstream_running(folder, tools):
        for number in range(options.rounds):
            for way, environment in _WAYS.items():
                say(f"round {number + 1} of {options.rounds}: {way}")
                cost = cost_of(environment, folder, tools, options.seconds)
                found[way].append(cost)
    show(found)


def cost_of(
    environment: Mapping[str, str], folder: Path, tools: Tools, seconds: float
) -> Cost:
    own, target = made(folder / "traces"), OURS.target
    headers = {"Authorization": f"Bearer {KEY}"}
    asked = Asked(PROXY_PORT, target.path(PLAIN), headers, chat(target.model(PLAIN)))
    load = partial(
        closed_loop,
        asked,
        connections=_CONNECTIONS,
        folder=made(folder / "load"),
        tools=tools,
    )
    with started(
        OURS.command(own, tools),
        core=PROXY_CORE,
        port=PROXY_PORT,
        log=own / "log",
        environment={**tools.environment, **environment},
    ) as proxy:
        load(seconds=_WARM_UP_SECONDS)
        before = proxy.cpu_seconds()
        run = load(seconds=seconds)
        spent = proxy.cpu_seconds() - before
    return Cost(run.rate, spent / run.requests * 1e6, run.errors)


def show(found: Mapping[str, list[Cost]]) -> None:
    print(f"{'':14} calls a second   of those without   processor a call   errors")
    without = median(each.calls_a_second for each in found["no collector"])
    for way, costs in found.items():
        calls = median(each.calls_a_second for each in costs)
        print(
            f"{way:14} {calls:14,.0f} {calls / without:18.2f}"
            f" {median(each.cpu_us for each in costs):15.0f} µs"
            f" {sum(each.errors for each in costs):8}"
        )


if __name__ == "__main__":
    main()
