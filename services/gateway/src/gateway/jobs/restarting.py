"""What becomes of agents that a job restarts, a few at a time. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from shared.contracts.agent_runner import Agent, AgentStatus, DesiredState
from shared.contracts.base import Explanation
from shared.contracts.jobs import AgentProgress, JobAgent

__all__ = [
    "AT_ONCE",
    "chosen",
    "found_agent",
    "is_over",
    "is_overdue",
    "judged",
    "must_restart",
    "skipped",
]

AT_ONCE = 2
"""So many agents of a job are between two incarnations at most."""

_PATIENCE = timedelta(minutes=3)
_PATIENCE_WITHOUT_PROVIDER = timedelta(seconds=30)
_OPEN = frozenset({AgentProgress.WAITING, AgentProgress.RESTARTING})


def found_agent(agent: Agent) -> JobAgent:
    """Note an agent as it is before its restart."""
    return JobAgent(
        id=agent.id,
        name=agent.name,
        incarnation=agent.incarnation,
        started_at=agent.started_at,
    )


def is_over(agents: Iterable[JobAgent]) -> bool:
    return not any(agent.progress in _OPEN for agent in agents)


def chosen(agents: list[JobAgent], *, now: datetime) -> list[JobAgent]:
    """Let as many begin to restart as may, in the order they were found."""
    room = AT_ONCE - sum(it.progress is AgentProgress.RESTARTING for it in agents)
    begun: list[JobAgent] = []
    for agent in agents:
        if room > 0 and agent.progress is AgentProgress.WAITING:
            room -= 1
            begun.append(_with(agent, AgentProgress.RESTARTING, asked_at=now))
        else:
            begun.append(agent)
    return begun


def must_restart(agent: JobAgent, found: Agent | None) -> bool:
    """Say whether nobody has asked for the restart yet, be it us or anybody else."""
    if found is None or found.desired_state is DesiredState.STOPPED:
        return False
    return found.incarnation <= agent.incarnation or found.restart_required


def judged(agent: JobAgent, found: Agent | None, *, now: datetime) -> JobAgent:
    """Tell how the restart that was asked for went, if it can be told already.

    The status may still be that of the incarnation before; only a later `started_at`
    is the word of the new one.
    """
    if found is None or found.desired_state is DesiredState.STOPPED:
        return _with(agent, AgentProgress.LEFT_ALONE)
    is_new = found.is_external or found.started_at != agent.started_at
    if found.status is AgentStatus.RUNNING and is_new:
        return _with(agent, AgentProgress.RESTARTED)
    if found.status is AgentStatus.ERROR:
        return skipped(agent, found.status_reason or _TOO_SLOW)
    waits_for_provider = found.status is AgentStatus.ACK_ONLY
    patience = _PATIENCE_WITHOUT_PROVIDER if waits_for_provider else _PATIENCE
    if is_overdue(agent, now=now, patience=patience):
        return skipped(agent, found.status_reason or _TOO_SLOW)
    return agent


def is_overdue(
    agent: JobAgent, *, now: datetime, patience: timedelta = _PATIENCE
) -> bool:
    """Say whether the restart has been on its way for longer than *patience*."""
    return now - (agent.asked_at or now) > patience


def skipped(agent: JobAgent, explanation: Explanation) -> JobAgent:
    return _with(agent, AgentProgress.SKIPPED, explanation=explanation)


def _with(agent: JobAgent, progress: AgentProgress, **facts: object) -> JobAgent:
    return agent.model_copy(update={"progress": progress, **facts})


_TOO_SLOW = Explanation(
    code="RESTART_TOO_SLOW",
    message="The agent did not come up in time.",
    cause="Its runner is busy or away, or the agent says nothing when it starts.",
    fix="See the agent's status and its logs, then restart it.",
    retryable=True,
)
