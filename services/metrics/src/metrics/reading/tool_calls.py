"""The use cases of reading tool calls, never their arguments or results."""

from metrics.repositories.places import Place
from metrics.repositories.tool_calls import ToolCallsRepository
from shared.contracts.base import Page
from shared.contracts.metrics import ToolCall, ToolCallQuestion, ToolCallsQuestion
from shared.errors import ToolCallNotFoundError

from .pages import page_by_time, place_of

__all__ = ["ToolCalls"]


class ToolCalls:
    """Answers from what was counted, within one organization."""

    def __init__(self, repository: ToolCallsRepository) -> None:
        self._repository = repository

    async def list_tool_calls(self, question: ToolCallsQuestion) -> Page[ToolCall]:
        """List them, newest first. Raises `InvalidError` for a foreign cursor."""
        found = await self._repository.newest(
            question, below=place_of(question.cursor), limit=question.limit + 1
        )
        return page_by_time(
            found,
            limit=question.limit,
            place=lambda last: Place(last.started_at, last.tool_call_id),
        )

    async def get_tool_call(self, question: ToolCallQuestion) -> ToolCall:
        """Find one. Raises `ToolCallNotFoundError`."""
        found = await self._repository.find(question.org_id, question.tool_call_id)
        if found is None:
            raise ToolCallNotFoundError(
                f"There is no tool call {question.tool_call_id}."
            )
        return found
