"""What agents print: those that run, and the last few that have ended."""

from uuid import UUID

from .agent_output import AgentOutput

__all__ = ["Outputs"]

_MOST_ENDED = 100


class Outputs:
    def __init__(self, *, most_ended: int = _MOST_ENDED) -> None:
        self._most_ended = most_ended
        self._outputs: dict[UUID, AgentOutput] = {}

    def keep(self, agent_id: UUID, output: AgentOutput) -> None:
        """Take the place of what the agent printed before."""
        self._outputs.pop(agent_id, None)
        self._outputs[agent_id] = output
        ended = [each for each, kept in self._outputs.items() if kept.is_over]
        for oldest in ended[: -self._most_ended]:
            del self._outputs[oldest]

    def of(self, agent_id: UUID) -> AgentOutput | None:
        return self._outputs.get(agent_id)
