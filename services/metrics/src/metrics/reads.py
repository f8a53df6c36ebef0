"""The use cases of reading: how an agent fared, and the calls one by one."""

from shared.contracts.base import Page
from shared.contracts.metrics import (
    Call,
    CallQuestion,
    CallsQuestion,
)
from shared.contracts.usage import AgentStats, AgentStatsQuestion
from shared.errors import CallNotFoundError
from shared.pages import before, page_of

from .reads_repository import ReadsRepository

__all__ = ["Reads"]


class Reads:
    """Answers from what was counted, within one organization."""

    def __init__(self, repository: ReadsRepository) -> None:
        self._repository = repository

    async def agent_stats(self, question: AgentStatsQuestion) -> AgentStats:
        """Sum up an agent's calls and messages; zeros for one that is not known."""
        return await self._repository.agent_stats(
            question.org_id,
            question.agent_id,
            since=question.since,
            until=question.until,
        )

    async def list_calls(self, question: CallsQuestion) -> Page[Call]:
        """List calls, newest first. Raises `InvalidError` for a foreign cursor."""
        found = await self._repository.calls(
            question.org_id,
            agent_id=question.agent_id,
            below=before(question.cursor),
            limit=question.limit + 1,
        )
        return page_of(found, limit=question.limit, id_of=lambda call: call.call_id)

    async def get_call(self, question: CallQuestion) -> Call:
        """Find one call with its attempts. Raises `CallNotFoundError`."""
        call = await self._repository.call(question.org_id, question.call_id)
        if call is None:
            raise CallNotFoundError(f"There is no call {question.call_id}.")
        return call
