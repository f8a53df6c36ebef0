"""`/runners`: the processes that host agents, and emptying one."""

from http import HTTPStatus

from gateway.access.permissions import Permission
from gateway.routing.asked import Asked
from gateway.routing.operations import operation
from gateway.routing.reading import PageQuery
from shared.bus import Bus
from shared.contracts.base import Page
from shared.contracts.runners import (
    DRAIN_RUNNER,
    GET_RUNNER,
    LIST_RUNNERS,
    UNDRAIN_RUNNER,
    Runner,
    RunnerQuestion,
)
from shared.errors import RunnerNotFoundError

__all__ = ["RunnerRoutes"]


class RunnerRoutes:
    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    @operation("GET /runners", needs=Permission.RUNNERS_READ)
    async def list_runners(self, asked: Asked, query: PageQuery) -> Page[Runner]:
        """List runners, newest first."""
        return await self._bus.ask(LIST_RUNNERS, asked.page(query))

    @operation(
        "GET /runners/{id}", needs=Permission.RUNNERS_READ, missing=RunnerNotFoundError
    )
    async def get_runner(self, asked: Asked) -> Runner:
        """Show a runner."""
        return await self._bus.ask(GET_RUNNER, _question(asked))

    @operation(
        "POST /runners/{id}/drain",
        needs=Permission.RUNNERS_WRITE,
        status=HTTPStatus.ACCEPTED,
        missing=RunnerNotFoundError,
    )
    async def drain_runner(self, asked: Asked) -> Runner:
        """Move a runner's agents to others, and give it none until `undrain`.

        Agents that no other runner can take stay where they are. It is empty once
        `agents` is 0.
        """
        return await self._bus.ask(DRAIN_RUNNER, _question(asked))

    @operation(
        "POST /runners/{id}/undrain",
        needs=Permission.RUNNERS_WRITE,
        missing=RunnerNotFoundError,
    )
    async def undrain_runner(self, asked: Asked) -> Runner:
        """Let a runner take agents again."""
        return await self._bus.ask(UNDRAIN_RUNNER, _question(asked))


def _question(asked: Asked) -> RunnerQuestion:
    return RunnerQuestion(org_id=asked.org_id, actor=asked.actor, runner_id=asked.id)
