"""How many messages one agent answers: `python benchmarks/agents/messages.py`.

The whole product runs as processes, on a PostgreSQL that syncs each commit; the default
agent asks a sandbox provider that answers at once. First one caller sends a message
after the other and waits for each answer: the times are those of the whole way. Then
many are sent at once, each in a thread of its own, and the agent is never idle:
messages a second, from the first POST to the last answer. The sandbox and the caller
share the machine with all of it.
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

_WARM_UP = 5
_SENDERS = 8


async def main(messages: int) -> None:
    with tempfile.TemporaryDirectory(prefix="ag2trust-messages-") as folder:
        place = Place(Path(folder) / "home")
        async with (
            serving() as sandbox,
            launched(place),
            aiohttp.ClientSession(
                place.gateway_url, headers={"X-API-Key": place.api_key}
            ) as session,
        ):
            operator = Operator(session)
            agent = await operator.running_agent(sandbox.base_url, "sk-any")
            path = f"/api/agents/{agent['agent_id']}/messages"
            await _one_by_one(operator, path, _WARM_UP)
            _tell(await _one_by_one(operator, path, messages))
            seconds = await _at_once(operator, path, messages)
            print(f"{messages} messages at once: {messages / seconds:.1f} a second")


async def _one_by_one(operator: Operator, path: str, count: int) -> list[float]:
    """Return the seconds that each message took."""
    took = []
    for number in range(count):
        began = perf_counter()
        await operator.made(path, {"content": f"Message {number}"})
        took.append(perf_counter() - began)
    return took


def _tell(took: list[float]) -> None:
    milliseconds = sorted(1000 * each for each in took)
    p99 = milliseconds[int(0.99 * (len(milliseconds) - 1))]
    print(
        f"{len(took)} messages one by one: {len(took) / sum(took):.1f} a second, "
        f"p50 {statistics.median(milliseconds):.1f} ms, p99 {p99:.1f} ms"
    )


async def _at_once(operator: Operator, path: str, count: int) -> float:
    """Send all, then wait for all; return the seconds that took."""
    numbers = iter(range(count))
    sent: list[str] = []

    async def send() -> None:
        for number in numbers:
            body = {"content": f"Message {number}", "wait": False}
            sent.append((await operator.made(path, body))["message_id"])

    began = perf_counter()
    async with asyncio.TaskGroup() as senders:
        for _ in range(_SENDERS):
            senders.create_task(send())
    for message_id in sent:
        await operator.until(f"/api/messages/{message_id}", status="completed")
    return perf_counter() - began


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=300)
    asyncio.run(main(parser.parse_args().messages))
