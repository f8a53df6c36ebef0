"""Docker Swarm as what places agents: `python -m benchmarks.swarm`, as root.

Three Docker engines of their own, each on a machine of a network that is made for it,
are one swarm (`engines`). An agent is a container that answers HTTP on its machine. It
is timed how long it takes to answer, here and elsewhere after its machine is lost or
cut off; beside it, how long an agent of ours takes to answer after its runner is
killed. Then it is looked up who gets to see a secret.
"""

import asyncio
import secrets
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

import aiohttp
from benchmarks.swarm.engines import (
    CommandFailedError,
    Engine,
    Swarm,
    running_swarm,
    told,
)
from tests.cluster.cluster import running_cluster

from ag2trust.quick_folder import quick_folder
from ag2trust_sandbox import serving

IMAGE = "ag2trust/agent:0.1.0"
PORT = 8000
TIMES = 5
LOSSES = 3
ANSWERS_SECONDS = 120.0
LOOK_AGAIN_SECONDS = 0.02
READY = {"Ready Leader", "Ready Reachable"}
PROGRAM = ("-m", "http.server", str(PORT))
RUN = ("--network", "host", "--entrypoint", "python3")


async def main() -> None:
    with quick_folder() as folder:
        async with running_swarm(folder, IMAGE) as swarm:
            show("placed by the swarm", await times(TIMES, lambda: placed(swarm)))
            show("run by an engine", await times(TIMES, lambda: run(swarm)))
            show(
                "answers after its machine was lost",
                await times(LOSSES, lambda: lost(swarm)),
            )
            await show_cut_off(swarm)
            await show_secrets(swarm)
    with quick_folder() as folder:
        show("ours, after its runner was killed", await ours(folder))


def show(what: str, seconds: Sequence[float]) -> None:
    each = ", ".join(f"{it:.1f}" for it in sorted(seconds))
    print(f"{what:<44}{median(seconds):>8.1f} s   ({each})", flush=True)


async def times(count: int, once: Callable[[], Awaitable[float]]) -> list[float]:
    return [await once() for _ in range(count)]


async def placed(swarm: Swarm) -> float:
    """Return the seconds from the command until the agent answers."""
    begun = perf_counter()
    await create(swarm)
    await answering(swarm)
    seconds = perf_counter() - begun
    await remove(swarm)
    return seconds


async def run(swarm: Swarm) -> float:
    """Return the same for an engine that is told to run it."""
    engine = swarm.engines["1"]
    begun = perf_counter()
    container = await engine.docker("run", "--detach", *RUN, IMAGE, *PROGRAM)
    await answering(swarm)
    seconds = perf_counter() - begun
    await engine.docker("rm", "--force", container.strip())
    return seconds


async def lost(swarm: Swarm) -> float:
    """Return the seconds from the loss of the agent's machine until it answers."""
    await create(swarm)
    name = await answering(swarm)
    begun = perf_counter()
    await swarm.engines[name].die()
    swarm.lost.add(name)
    await answering(swarm, besides=name)
    seconds = perf_counter() - begun
    await swarm.engines[name].start()
    swarm.lost.clear()
    await remove(swarm)
    await all_ready(swarm)
    return seconds


async def show_cut_off(swarm: Swarm) -> None:
    await create(swarm)
    name = await answering(swarm)
    begun = perf_counter()
    await swarm.net.cut(name)
    swarm.lost.add(name)
    await answering(swarm, besides=name)
    show("answers after its machine was cut off", [perf_counter() - begun])
    old = await answers_at_home(swarm.engines[name])
    print(
        f"{'and the one that was cut off':<44}{'answers too' if old else 'is gone':>12}"
    )
    begun = perf_counter()
    await swarm.net.mend(name)
    swarm.lost.clear()
    await gone(partial(answers_at_home, swarm.engines[name]))
    show("until there is one again, once it is back", [perf_counter() - begun])
    await remove(swarm)
    await all_ready(swarm)


async def show_secrets(swarm: Swarm) -> None:
    given, kept = (f"sk-{secrets.token_hex(16)}" for _ in range(2))
    file = next(iter(swarm.engines.values())).folder / "secret"
    file.write_text(kept)
    await swarm.ask("secret", "create", "key", str(file))
    file.unlink()
    await create(swarm, "--env", f"KEY={given}", "--secret", "key")
    engine = swarm.engines[await answering(swarm)]
    container = (await engine.docker("ps", "--quiet")).strip()
    inside = await engine.docker("exec", container, "cat", "/run/secrets/key")
    inspected = await engine.docker("inspect", container)
    described = await swarm.ask("service", "inspect", "agent")
    options = await swarm.ask("service", "create", "--help")
    facts = {
        "a variable is in `docker inspect`": given in inspected,
        "a variable is in `docker service inspect`": given in described,
        "a variable is in a file of the engine": on_disk(engine, given),
        "a secret of the swarm is in `docker inspect`": kept in inspected + described,
        "a secret of the swarm is a file in the container": inside == kept,
        "the key of the swarm's log is a file beside it": bool(
            list(engine.folder.glob("data/swarm/certificates/swarm-node.key"))
        ),
        "a service takes standard input": "--interactive" in options,
    }
    for fact, is_so in facts.items():
        print(f"{fact:<52}{'yes' if is_so else 'no':>4}")
    await remove(swarm)


def on_disk(engine: Engine, text: str) -> bool:
    folders = (engine.folder / "data" / each for each in ("containers", "swarm"))
    return any(
        text.encode() in path.read_bytes()
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file()
    )


async def create(swarm: Swarm, *options: str) -> None:
    await swarm.ask(
        *("service", "create", "--detach", "--quiet", "--name", "agent"),
        *("--no-resolve-image", *RUN, *options, IMAGE, *PROGRAM),
    )


async def remove(swarm: Swarm) -> None:
    await swarm.ask("service", "rm", "agent")
    for engine in swarm.engines.values():
        await gone(partial(answers, engine.address))


async def gone(is_there: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(ANSWERS_SECONDS):
        while True:
            if not await is_there():
                return
            await asyncio.sleep(LOOK_AGAIN_SECONDS)


async def all_ready(swarm: Swarm) -> None:
    async with asyncio.timeout(ANSWERS_SECONDS):
        while True:
            listed = await swarm.ask(
                "node", "ls", "--format", "{{.Status}} {{.ManagerStatus}}"
            )
            ready = [it for it in listed.splitlines() if it in READY]
            if len(ready) == len(swarm.engines):
                return
            await asyncio.sleep(LOOK_AGAIN_SECONDS)


async def answering(swarm: Swarm, *, besides: str = "") -> str:
    """Wait until an agent answers; return the name of its machine."""
    async with asyncio.timeout(ANSWERS_SECONDS):
        while True:
            for name, engine in swarm.engines.items():
                if name != besides and await answers(engine.address):
                    return name
            await asyncio.sleep(LOOK_AGAIN_SECONDS)


async def answers(address: str) -> bool:
    timeout = aiohttp.ClientTimeout(total=0.5)
    with suppress(aiohttp.ClientError, TimeoutError):
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"http://{address}:{PORT}/"),
        ):
            return True
    return False


async def answers_at_home(engine: Engine) -> bool:
    """Ask from its own machine, which may be cut off from ours."""
    connect = f"import socket; socket.create_connection(('127.0.0.1', {PORT}), 1)"
    with suppress(CommandFailedError):
        await told(
            *("nsenter", f"--net=/run/netns/{engine.namespace}"),
            *(sys.executable, "-c", connect),
        )
        return True
    return False


async def ours(folder: Path) -> list[float]:
    """Return the seconds from the death of a runner until its agent answers again."""
    found = []
    async with serving() as sandbox, running_cluster(folder) as cluster:
        [agent] = await cluster.agents(sandbox.base_url, "ada")
        for _ in range(LOSSES):
            shown = (await cluster.operator.ask("GET", f"/api/agents/{agent}")).body
            runner = f"agent_{shown['runner']}"
            begun = perf_counter()
            await cluster.lose(runner)
            await cluster.operator.made(
                f"/api/agents/{agent}/messages", {"content": "Hello?"}
            )
            found.append(perf_counter() - begun)
            await cluster.bring_back(runner)
    return found


if __name__ == "__main__":
    asyncio.run(main())
