"""The use cases of reading calls one by one, never their content."""

from metrics.repositories.calls import CallPlace, CallsRepository
from shared.contracts.base import Page
from shared.contracts.metrics import Call, CallQuestion, CallsQuestion
from shared.errors import CallNotFoundError, InvalidError

__all__ = ["Calls"]


class Calls:
    """Answers from what was counted, within one organization."""

    def __init__(self, repository: CallsRepository) -> None:
        self._repository = repository

    async def list_calls(self, question: CallsQuestion) -> Page[Call]:
        """List calls, newest first. Raises `InvalidError` for a foreign cursor."""
        found = await self._repository.newest(
            question, below=_place(question.cursor), limit=question.limit + 1
        )
        data = found[: question.limit]
        if len(found) <= question.limit:
            return Page(data=data)
        last = CallPlace(data[-1].started_at, data[-1].call_id)
        return Page(data=data, next_cursor=str(last))

    async def get_call(self, question: CallQuestion) -> Call:
        """Find one call with its attempts. Raises `CallNotFoundError`."""
        call = await self._repository.find(question.org_id, question.call_id)
        if call is None:
            raise CallNotFoundError(f"There is no call {question.call_id}.")
        return call


def _place(cursor: str | None) -> CallPlace | None:
    if cursor is None:
        return None
    try:
        return CallPlace.parse(cursor)
    except ValueError:
        raise InvalidError(
            "The cursor is not one of ours.",
            details={"fields": [{"field": "cursor", "message": "unknown cursor"}]},
        ) from None
