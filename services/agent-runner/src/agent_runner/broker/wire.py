"""What a runner asks of its broker and what it is told, over a Unix socket.

A connection carries one request: a line of JSON, answered by a line of JSON. After
`LaunchAgent` come *frame_bytes* bytes for the agent's standard input. After its answer,
and after that of `FollowOutput`, come pieces of output until the agent ends; after that
of `WatchEnds`, an `Ended` for each end. What has no place here is refused.
"""

import struct
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

from agent_runner.runtimes.launch_frame import MAX_FRAME_BYTES
from agent_runner.runtimes.placed import Placed

__all__ = [
    "LEAST_CPUS",
    "MAX_LINE_BYTES",
    "PIECE_HEADER",
    "REQUEST",
    "Answer",
    "CheckImage",
    "ConnectAgent",
    "Connected",
    "CountRefused",
    "Done",
    "Ended",
    "FailureTold",
    "FollowOutput",
    "GetState",
    "LaunchAgent",
    "Launched",
    "Limits",
    "PlacedContainer",
    "Refused",
    "RefusedCounted",
    "Request",
    "State",
    "StateFound",
    "StopAgent",
    "Survey",
    "Surveyed",
    "WatchEnds",
]

# The longest answer is a survey: some 400 bytes for each of an engine's agents.
MAX_LINE_BYTES = 4 * 1024 * 1024

PIECE_HEADER = struct.Struct(">BI")
"""Before each piece of output: 1 for output or 2 for errors, and its length."""

LEAST_CPUS = 0.01

ContainerId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class _Words(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, hide_input_in_errors=True
    )


class ConnectAgent(_Words):
    """Make the agent's network, unless it is there."""

    ask: Literal["connect_agent"] = "connect_agent"
    agent_id: UUID
    org_id: UUID
    epoch: int = Field(ge=0)


class Limits(_Words):
    """What an agent may use; none can be unlimited, which Docker's zero would be."""

    memory_mb: int = Field(ge=6, le=1024**2)
    cpus: float = Field(ge=LEAST_CPUS, le=1024)
    pids: int = Field(ge=1, le=100_000)


class LaunchAgent(_Words):
    ask: Literal["launch_agent"] = "launch_agent"
    agent_id: UUID
    org_id: UUID
    epoch: int = Field(ge=0)
    image: str = Field(max_length=512)
    limits: Limits
    frame_bytes: int = Field(ge=0, le=MAX_FRAME_BYTES)


class StopAgent(_Words):
    """End what runs, after *grace_seconds* by force; remove everything."""

    ask: Literal["stop_agent"] = "stop_agent"
    agent_id: UUID
    grace_seconds: float = Field(ge=0, le=3600)


class Survey(_Words):
    """List the agents that are here, running or not."""

    ask: Literal["survey"] = "survey"


class GetState(_Words):
    ask: Literal["get_state"] = "get_state"
    container_id: ContainerId


class CountRefused(_Words):
    """Count the packets of agents to ports of this host that are closed to them."""

    ask: Literal["count_refused"] = "count_refused"


class WatchEnds(_Words):
    """Tell of ends, for a while: whoever needs more asks again, after a survey."""

    ask: Literal["watch_ends"] = "watch_ends"


class FollowOutput(_Words):
    """Hear an agent that runs, from now on."""

    ask: Literal["follow_output"] = "follow_output"
    container_id: ContainerId


class CheckImage(_Words):
    """Say whether an image could be launched, or fail with the reason."""

    ask: Literal["check_image"] = "check_image"
    image: str = Field(max_length=512)


Request = (
    ConnectAgent
    | LaunchAgent
    | StopAgent
    | Survey
    | GetState
    | WatchEnds
    | FollowOutput
    | CheckImage
    | CountRefused
)
REQUEST: TypeAdapter[Request] = TypeAdapter(
    Annotated[Request, Field(discriminator="ask")]
)


class FailureTold(_Words):
    """The answer to a request that failed."""

    code: str
    failure: str


class Done(_Words):
    pass


class Connected(_Words):
    """*address* is the host's own in the agent's network."""

    address: str


class Launched(_Words):
    """The container runs, and has its frame."""

    container_id: str


class PlacedContainer(_Words):
    container_id: str
    placed: Placed


class Surveyed(_Words):
    containers: tuple[PlacedContainer, ...]
    networks: tuple[Placed, ...]


class State(_Words):
    is_running: bool
    is_out_of_memory: bool
    exit_code: int


class StateFound(_Words):
    """None: there is no such container of this runner's."""

    state: State | None


class Refused(_Words):
    agent_id: UUID
    packets: int


class RefusedCounted(_Words):
    """Counts begin anew now and then; nobody's where no ports are closed."""

    agents: tuple[Refused, ...]


class Ended(_Words):
    container_id: str


Answer = (
    Done
    | Connected
    | Launched
    | Surveyed
    | StateFound
    | RefusedCounted
    | Ended
    | FailureTold
)
