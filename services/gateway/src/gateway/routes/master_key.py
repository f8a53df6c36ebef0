"""`/master-key`: the key behind every stored secret, of the whole installation."""

from http import HTTPStatus

from gateway.access.permissions import Permission
from gateway.routing.asked import Asked
from gateway.routing.operations import Reply, operation
from shared.bus import Bus
from shared.contracts.base import Question
from shared.contracts.master_key import (
    FREEZE,
    GET_MASTER_KEY,
    START_REWRAP,
    UNFREEZE,
    MasterKeyState,
    Rewrap,
    StartRewrap,
)

__all__ = ["MasterKeyRoutes"]


class MasterKeyRoutes:
    """Only an owner sees or uses these: they concern every organization."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    @operation("GET /master-key", needs=Permission.MASTER_KEY_READ)
    async def get_master_key(self, asked: Asked) -> MasterKeyState:
        """Show which key wraps now, and whether all is frozen."""
        return await self._bus.ask(GET_MASTER_KEY, _question(asked))

    @operation(
        "POST /master-key/rewrap",
        needs=Permission.MASTER_KEY_WRITE,
        status=HTTPStatus.ACCEPTED,
    )
    async def rewrap_data_keys(self, asked: Asked) -> Reply[Rewrap]:
        """Start the job that brings every data key under the present master key.

        `/jobs/{id}` tells of it; while one runs, it is that.
        """
        question = StartRewrap(
            org_id=asked.org_id, actor=asked.actor, rewrap_id=asked.new_id
        )
        job = await self._bus.ask(START_REWRAP, question)
        prefix = asked.http.path.removesuffix("/master-key/rewrap")
        return Reply(job, headers={"Location": f"{prefix}/jobs/{job.id}"})

    @operation("POST /master-key/freeze", needs=Permission.MASTER_KEY_WRITE)
    async def freeze(self, asked: Asked) -> MasterKeyState:
        """Open no stored secret any more, until `unfreeze`."""
        return await self._bus.ask(FREEZE, _question(asked))

    @operation("POST /master-key/unfreeze", needs=Permission.MASTER_KEY_WRITE)
    async def unfreeze(self, asked: Asked) -> MasterKeyState:
        """Open stored secrets again."""
        return await self._bus.ask(UNFREEZE, _question(asked))


def _question(asked: Asked) -> Question:
    return Question(org_id=asked.org_id, actor=asked.actor)
