"""The use cases of reading calls one by one, never their content."""

from metrics.repositories.calls import CallsRepository
from metrics.repositories.places import Place
from shared.contracts.base import Page
from shared.contracts.metrics import Call, CallQuestion, CallsQuestion
from shared.errors import CallNotFoundError

from .pages import page_by_time, place_of

__all__ = ["Calls"]


class Calls:
    """Answers from what was counted, within one organization."""

    def __init__(self, repository: CallsRepository) -> None:
        self._repository = repository

    async def list_calls(self, question: CallsQuestion) -> Page[Call]:
        """List calls, newest first. Raises `InvalidError` for a foreign cursor."""
        found = await self._repository.newest(
            question, below=place_of(question.cursor), limit=question.limit + 1
        )
        return page_by_time(
            found,
            limit=question.limit,
            place=lambda last: Place(last.started_at, last.call_id),
        )

    async def get_call(self, question: CallQuestion) -> Call:
        """Find one call with its attempts. Raises `CallNotFoundError`."""
        call = await self._repository.find(question.org_id, question.call_id)
        if call is None:
            raise CallNotFoundError(f"There is no call {question.call_id}.")
        return call
