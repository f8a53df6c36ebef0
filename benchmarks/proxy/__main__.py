"""Proxies measured beside ours in one run: `make bench-proxy`.

The proxy has core 0 to itself, load and upstream share core 1. Rounds go through all
proxies, so that a disturbance of the machine meets all; medians are shown. Figures
below "direct" are what a proxy adds to the upstream's own. Ours is measured on the
Python of its images, and on the one that runs this if that is another.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from subprocess import CalledProcessError, TimeoutExpired

from benchmarks.interpreters import HERE, IMAGES

from .asking import KEY, PROXY_PORT, UPSTREAM_PORT
from .awake import cores_awake
from .debian import Tools, fetched_tools
from .measuring import Measurement, measured
from .peers import DIRECT, PEERS, Peer
from .processes import started
from .table import show
from .upstream import upstream_conf

PROXY_CORE = 0
LOAD_CORE = 1


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--folder", type=Path, default=Path("build/bench-proxy"))
    arguments.add_argument("--seconds", type=float, default=10.0)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--only", nargs="*", default=[each.name for each in PEERS])
    arguments.add_argument("--cores-awake", action="store_true")
    options = arguments.parse_args()
    folder = options.folder.resolve()
    tools = fetched_tools(folder / "debian")
    peers = [each for each in PEERS if each.name in options.only]
    installed = [each for each in peers if is_installed(each, folder)]
    os.sched_setaffinity(0, {LOAD_CORE})
    print(f"Ag2Trust runs on {IMAGES}, this program on {HERE} ({sys.version}).")
    with cores_awake() if options.cores_awake else nullcontext():
        show(measure(installed, folder, tools, options.seconds, options.rounds))


def is_installed(peer: Peer, folder: Path) -> bool:
    try:
        peer.install(folder_of(peer, folder))
    except (CalledProcessError, TimeoutExpired, OSError) as error:
        print(f"{peer.name} is left out: it could not be installed ({error}).")
        return False
    return True


def measure(
    peers: list[Peer], folder: Path, tools: Tools, seconds: float, rounds: int
) -> dict[str, list[Measurement]]:
    """Measure everything *rounds* times, by name; "direct" is the upstream itself."""
    found: dict[str, list[Measurement]] = {"direct": []}
    with upstream_running(folder, tools):
        for number in range(rounds):
            say(f"round {number + 1} of {rounds}: direct")
            direct = measured(
                DIRECT,
                None,
                port=UPSTREAM_PORT,
                seconds=seconds,
                folder=made(folder / "load"),
                tools=tools,
            )
            found["direct"].append(direct)
            for peer in peers:
                say(f"round {number + 1} of {rounds}: {peer.name}")
                for measurement in of_peer(peer, folder, tools, seconds):
                    found.setdefault(peer.name, []).append(measurement)
    return found


def of_peer(
    peer: Peer, folder: Path, tools: Tools, seconds: float
) -> Iterator[Measurement]:
    """Measure once; a peer that does not start is left out, and that is said."""
    own = made(folder_of(peer, folder))
    environment = {"OPENAI_API_KEY": KEY, **peer.environment}
    try:
        with started(
            peer.command(own, tools),
            core=PROXY_CORE,
            port=PROXY_PORT,
            log=own / "log",
            environment={**tools.environment, **environment},
            port_in=peer.port_in,
        ) as proxy:
            yield measured(
                peer.target,
                proxy,
                port=proxy.port,
                seconds=seconds,
                folder=made(folder / "load"),
                tools=tools,
            )
    except (RuntimeError, CalledProcessError) as error:
        print(f"{peer.name} is left out of this round. {error}")


@contextmanager
def upstream_running(folder: Path, tools: Tools) -> Iterator[None]:
    own = made(folder / "upstream")
    with started(
        [str(tools.nginx), "-c", str(upstream_conf(own, tools))],
        core=LOAD_CORE,
        port=UPSTREAM_PORT,
        log=own / "log",
        environment=tools.environment,
    ):
        yield


def folder_of(peer: Peer, folder: Path) -> Path:
    return folder / peer.name.split()[0].lower()


def made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
