"""What every runtime of agents can do, and the values it speaks in."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from .agent_output import AgentOutput
from .placed import Placed

__all__ = ["ExitReason", "Exited", "Launch", "Placed", "Resources", "Runtime"]


@dataclass(frozen=True, slots=True)
class Resources:
    """What one agent may use at most: memory in MiB, cores, processes and threads."""

    memory_mb: int = 256
    cpus: float = 1.0
    pids: int = 128


@dataclass(frozen=True, slots=True)
class Launch:
    """One agent to start.

    *environment* reaches the agent's process over stdin and is stored nowhere; its
    names are those of `launch_frame.NAMES`. *secrets* are masked in what it prints.
    """

    agent_id: UUID
    org_id: UUID
    epoch: int
    image: str
    environment: Mapping[str, str] = field(repr=False)
    secrets: frozenset[str] = field(repr=False)
    resources: Resources = Resources()


class ExitReason(StrEnum):
    EXITED = "exited"
    KILLED = "killed"
    OUT_OF_MEMORY = "out_of_memory"
    VANISHED = "vanished"


@dataclass(frozen=True, slots=True)
class Exited:
    """An agent that ended without being asked to.

    *exit_code* is 128 + n after signal n, as shells say it, and None if nobody saw the
    end. *last_words* are the text of its output at the end.
    """

    agent_id: UUID
    epoch: int
    exit_code: int | None
    reason: ExitReason
    last_words: str


class Runtime(Protocol):
    """Runs agents on this host, for one runner of one installation.

    What outlives the runner's process is found again by `survey`, ended by `stop`, and
    told of by `exits`. Any method that waits may raise EngineUnavailableError.
    """

    async def check_image(self, image: str) -> None:
        """Raise LaunchFailedError if no agent of this image would be launched here."""
        ...

    async def connect(self, agent_id: UUID, org_id: UUID, epoch: int) -> str:
        """Make the agent's network, unless it is there.

        Returns the address on which the runner must listen for this agent, and for it
        alone.
        """
        ...

    async def launch(self, launch: Launch) -> None:
        """Return once the agent's command runs with its environment.

        Raises LaunchFailedError or ImageNotFoundError, and leaves nothing behind, the
        network included. An agent that runs already is refused and left alone.
        """
        ...

    async def stop(self, agent_id: UUID, *, grace: timedelta) -> None:
        """Ask with SIGTERM, insist with SIGKILL after *grace*, remove everything.

        Does nothing for an agent that is not here. Waits for a launch of the same
        agent to end first.
        """
        ...

    async def survey(self) -> list[Placed]:
        """Return all that is here, from before a restart of the runner too."""
        ...

    async def refused(self) -> Mapping[UUID, int]:
        """Count the packets of each agent to ports of this host that are closed to it.

        Since its launch, or since later; nothing where no ports are closed.
        """
        ...

    def exits(self) -> AsyncIterator[Exited]:
        """Tell of exits as they happen, without end, to one reader.

        What `stop` ended is not told. An agent that exited stays in the ledger, not
        running, until it is stopped or launched again.
        """
        ...

    def output(self, agent_id: UUID) -> AgentOutput | None:
        """Return what it prints, masked; for a while after its end, too.

        None for an agent launched before a restart of the runner: without its secrets
        there is nothing to mask with, so its output is not read.
        """
        ...
