"""What the agent-runner answers about agents that a change concerns."""

from uuid import UUID

from .agent_runner import Agent
from .base import Endpoint, Page, PageQuestion, Service

__all__ = ["LIST_CONCERNED_AGENTS", "ListConcernedAgents"]


class ListConcernedAgents(PageQuestion):
    """Ask for agents that are to run, of a type or with a provider, or both.

    *provider_id* is that of the version they run. *only_delivered* leaves out those
    whose process was given no secret of it.
    """

    agent_type_id: UUID | None = None
    provider_id: UUID | None = None
    only_delivered: bool = False


LIST_CONCERNED_AGENTS = Endpoint(
    "agent_runner.v1.list_concerned_agents",
    ListConcernedAgents,
    Page[Agent],
    askers=frozenset({Service.GATEWAY}),
)
