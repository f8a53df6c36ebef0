"""What processes that nobody can scrape tell the metrics service of themselves."""

from typing import Annotated

from pydantic import Field, StringConstraints

from .base import Message, Service, Signal

__all__ = [
    "CREDENTIALS_MEASURED",
    "RUNNER_MEASURED",
    "Answered",
    "ProcessMeasured",
    "RunnerMeasured",
]

_MOST_ROWS = 1000

ProcessName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,63}$")]
Subject = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_.{}]{1,100}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9_]{1,50}$")]
Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Answered(Message):
    """How often a question was answered so; *code* is `OK`, or that of the error."""

    question: Subject
    code: Code
    times: Count
    seconds: Seconds


class ProcessMeasured(Message):
    """One process since its start, and what it holds now; None cannot be told there."""

    process: ProcessName
    cpu_seconds: Seconds
    resident_bytes: Count | None = None
    open_files: Count | None = None
    answered: Annotated[tuple[Answered, ...], Field(max_length=_MOST_ROWS)] = ()


class RunnerMeasured(ProcessMeasured):
    """*connections* are those of agents, at its own doors.

    *uncounted_calls* are settled here and not counted by metrics yet;
    *oldest_uncounted_seconds* is the age of the oldest of them, or of the messages and
    tool calls that wait in the outbox of all runners, 0 where nothing waits.
    """

    hosted_agents: Count
    connections: Count
    uncounted_calls: Count | None = None
    oldest_uncounted_seconds: Seconds | None = None


RUNNER_MEASURED = Signal(
    "agent_runner.v1.signals.measured",
    RunnerMeasured,
    sender=Service.AGENT_RUNNER,
    hearers=frozenset({Service.METRICS}),
)
CREDENTIALS_MEASURED = Signal(
    "credentials.v1.signals.measured",
    ProcessMeasured,
    sender=Service.CREDENTIALS,
    hearers=frozenset({Service.METRICS}),
)
