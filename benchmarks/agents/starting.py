"""How soon agents answer: `python benchmarks/agents/starting.py [process|docker]`.

The whole product runs as processes, on a PostgreSQL that syncs each commit; agents ask
a sandbox provider that answers at once. First one agent after the other is started and
asked: the time is from POST start to its first answer. Then many are started and asked
at once. At last, all are idle: printed is by how much the runner grew for each.
"""

import argparse
import asyncio
import statistics
import tempfile
from pathlib import Path
from time import perf_counter

import aiohttp

from ag2trust.launched import Place, launched
from ag2trust.operator import Operator
from ag2trust_sandbox import serving

_PATIENCE_SECONDS = 600


async def main(runtime: str, *, one_by_one: int, at_once: int) -> None:
    with tempfile.TemporaryDirectory(prefix="ag2trust-starting-") as folder:
        place = Place(Path(folder) / "home")
        async with (
            serving() as sandbox,
            launched(place, AG2TRUST_RUNTIME=runtime),
            aiohttp.ClientSession(
                place.gateway_url,
                headers={"X-API-Key": place.api_key},
                timeout=aiohttp.ClientTimeout(total=_PATIENCE_SECONDS),
            ) as session,
        ):
            operator = Operator(session)
            first = await operator.running_agent(sandbox.base_url, "sk-any")
            agents = await _made(operator, first["agent_type_id"], one_by_one + at_once)
            alone, together = agents[:one_by_one], agents[one_by_one:]
            before = _resident(place)

            _tell(
                f"{runtime}, one by one",
                [await _first_answer(operator, each) for each in alone],
            )
            began = perf_counter()
            took = await asyncio.gather(
                *(_first_answer(operator, each) for each in together)
            )
            _tell(f"{runtime}, {at_once} at once", [*took])
            print(f"  all answered after {perf_counter() - began:.1f} s")
            grown = _resident(place) - before
            print(f"  the runner grew by {grown / len(agents):.0f} KB an idle agent")


async def _made(operator: Operator, agent_type_id: str, count: int) -> list[str]:
    made = [
        await operator.made(
            "/api/agents", {"name": f"agent-{number}", "agent_type_id": agent_type_id}
        )
        for number in range(count)
    ]
    return [each["id"] for each in made]


async def _first_answer(operator: Operator, agent_id: str) -> float:
    """Start an agent and ask it; return the seconds until it has answered."""
    began = perf_counter()
    await operator.made(f"/api/agents/{agent_id}/start")
    answer = await operator.made(
        f"/api/agents/{agent_id}/messages",
        {"content": "Hello?", "timeout_seconds": _PATIENCE_SECONDS},
    )
    if answer["status"] != "completed":
        raise SystemExit(f"An agent did not answer: {answer}")
    return perf_counter() - began


def _tell(what: str, took: list[float]) -> None:
    ordered = sorted(took)
    p99 = ordered[int(0.99 * (len(ordered) - 1))]
    print(f"{what}: p50 {statistics.median(ordered):.2f} s, p99 {p99:.2f} s")


def _resident(place: Place) -> int:
    """Return the runner's resident memory in KB."""
    status = Path(f"/proc/{place.pid_of('agent_runner')}/status").read_text()
    [line] = [each for each in status.splitlines() if each.startswith("VmRSS:")]
    return int(line.split()[1])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runtime", nargs="?", default="process")
    parser.add_argument("--one-by-one", type=int, default=10)
    parser.add_argument("--at-once", type=int, default=50)
    told = parser.parse_args()
    asyncio.run(main(told.runtime, one_by_one=told.one_by_one, at_once=told.at_once))
