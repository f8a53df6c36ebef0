"""A runner for a test to kill: it launches one agent and waits.

Arguments: the state folder, the agent's id, its door's URL and its command. SIGTERM
closes it, and interrupts the closing right away.
"""

import asyncio
import signal
import sys
from pathlib import Path
from uuid import UUID

from agent_runner.runtimes.process.runtime import process_runtime
from agent_runner.runtimes.runtime import Launch
from shared.logs import set_up_logs


async def main(state: str, agent_id: str, url: str, *command: str) -> None:
    set_up_logs("agent-runner", level="error")
    launch = Launch(
        agent_id=UUID(agent_id),
        org_id=UUID(int=2),
        epoch=7,
        image="",
        environment={"AG2TRUST_AGENT_URL": url},
        secrets=frozenset(),
    )
    _close_at_sigterm()
    async with process_runtime(state=Path(state), command=command) as runtime:
        await runtime.launch(launch)
        sys.stdout.write("launched\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def _close_at_sigterm() -> None:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task

    def close() -> None:
        task.cancel()
        loop.call_soon(task.cancel)

    loop.add_signal_handler(signal.SIGTERM, close)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
