"""Use cases of runners: see them, drain one, and take it back into service."""

from agent_runner.repositories import runners as repository
from agent_runner.repositories.audit import note
from shared.contracts.base import Page, PageQuestion
from shared.contracts.runners import Runner, RunnerQuestion
from shared.database import Database
from shared.pages import before, page_of

__all__ = ["Runners"]


class Runners:
    """Answers for any runner; one that drains finds out at its next round."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def list(self, question: PageQuestion) -> Page[Runner]:
        async with self._database.sweep() as transaction:
            found = await repository.runners(
                transaction, before=before(question.cursor), limit=question.limit + 1
            )
        return page_of(found, limit=question.limit, id_of=lambda each: each.id)

    async def get(self, question: RunnerQuestion) -> Runner:
        async with self._database.sweep() as transaction:
            return await repository.runner(transaction, question.runner_id)

    async def drain(self, question: RunnerQuestion) -> Runner:
        """Have a runner take no agents, and give its own away if others take them."""
        return await self._set(question, is_draining=True, act="runner.drained")

    async def undrain(self, question: RunnerQuestion) -> Runner:
        return await self._set(question, is_draining=False, act="runner.undrained")

    async def _set(
        self, question: RunnerQuestion, *, is_draining: bool, act: str
    ) -> Runner:
        async with self._database.sweep() as transaction:
            has_changed = await repository.set_draining(
                transaction, question.runner_id, is_draining=is_draining
            )
            if has_changed:
                await note(transaction, question, act, question.runner_id)
            return await repository.runner(transaction, question.runner_id)
