"""One agent, from its start to its exit code."""

import asyncio
import logging
import os
import signal
from datetime import timedelta

from . import models, protocol
from .environment import required
from .errors import AgentError, TokenRefusedError
from .loop import Agent
from .stopping import Stop, StoppedError

__all__ = ["EXIT_FAILED", "EXIT_OK", "EXIT_TOKEN_REFUSED", "run"]

log = logging.getLogger(__name__)

EXIT_OK = os.EX_OK
EXIT_FAILED = 1
"""Starting the agent again may help."""
EXIT_TOKEN_REFUSED = os.EX_NOPERM
"""77: the runner does not know this agent any more, so starting it again is useless."""


async def run() -> int:
    """Work until SIGTERM or SIGINT; give the process's exit code."""
    stop = Stop()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.request)
    try:
        await _work(stop)
    except StoppedError:
        pass
    except TokenRefusedError as error:
        log.critical("agent.ended: %s", error)
        return EXIT_TOKEN_REFUSED
    except AgentError as error:
        log.critical("agent.ended: %s", error)
        return EXIT_FAILED
    log.info("agent.stopped")
    return EXIT_OK


async def _work(stop: Stop) -> None:
    url, token = required("AG2TRUST_AGENT_URL"), required("AG2TRUST_AGENT_TOKEN")
    async with protocol.connect(url, token) as runner:
        async with stop.allowing(timedelta(0)):
            configuration = await runner.configuration()
        async with models.connect(configuration) as configured:
            log.info("agent.started agent_id=%s", configuration.agent_id)
            await Agent(runner=runner, model=configured, stop=stop).work()
