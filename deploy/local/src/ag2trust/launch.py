"""One run of the launcher: from an open home to a stack that is down again."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable

from .home import Home, open_home
from .installation import RunnerRuntime
from .leftovers import end_leftovers
from .plan import Plan, plan_of
from .ports import require_free
from .private_files import write_private
from .screen import Screen
from .stack import running_stack
from .variables import Variables

__all__ = ["Session", "launch"]

Session = Callable[[Plan, RunnerRuntime], Awaitable[None]]
"""What is done while the stack runs; when it returns, the stack stops."""

_ASK_TO_STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def launch(variables: Variables, screen: Screen, session: Session) -> None:
    """Run the stack for a *session*, or until a signal asks to stop.

    Raises `LaunchError` if it cannot run. However many signals come, there is one
    stop, in order and to its end.
    """
    os.umask(0o077)
    async with asyncio.TaskGroup() as group:
        run = group.create_task(_run(variables, screen, session))
        _stop_at_signals(run, screen)


def _stop_at_signals(run: "asyncio.Task[None]", screen: Screen) -> None:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if not run.cancelling():
            screen.say("Stopping …")
            run.cancel()

    for signum in _ASK_TO_STOP:
        if signum is signal.SIGHUP and signal.getsignal(signum) is signal.SIG_IGN:
            continue  # nohup
        loop.add_signal_handler(signum, stop)


async def _run(variables: Variables, screen: Screen, session: Session) -> None:
    with open_home(variables.home) as home:
        await _make_room(home, variables, screen)
        write_private(home.gateway_port, f"{variables.gateway_port}\n")
        plan = plan_of(home, variables)
        async with running_stack(plan, screen) as runtime:
            await session(plan, runtime)


async def _make_room(home: Home, variables: Variables, screen: Screen) -> None:
    """End what an earlier launcher left, then look whether the ports are free."""
    if ended := await end_leftovers(home.children):
        screen.say(f"Ended what the last run left behind: {', '.join(ended)}")
    require_free(
        variables.gateway_port, wanted_by="gateway", variable="AG2TRUST_GATEWAY_PORT"
    )
    require_free(
        variables.proxy_port, wanted_by="proxy", variable="AG2TRUST_PROXY_PORT"
    )
    require_free(
        variables.external_port,
        wanted_by="external agents",
        variable="AG2TRUST_EXTERNAL_PORT",
    )
    if variables.metrics_port:
        require_free(
            variables.metrics_port,
            wanted_by="Prometheus",
            variable="AG2TRUST_METRICS_PORT",
        )
