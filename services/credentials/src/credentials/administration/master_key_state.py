"""What an operator is told of the master key."""

from credentials.repositories.freeze import frozen
from credentials.repositories.rewraps import data_keys, latest_rewrap
from credentials.vault import Vault
from shared.contracts.base import Question
from shared.contracts.master_key import MasterKeyState
from shared.database import Database
from shared.errors import MasterKeyUnavailableError

from .freeze import Freeze

__all__ = ["MasterKeyDesk"]


class MasterKeyDesk:
    """Answers with the state of the master key, as it is or as *freeze* made it."""

    def __init__(self, database: Database, vault: Vault, freeze: Freeze) -> None:
        self._database = database
        self._vault = vault
        self._freeze = freeze

    async def show(self, question: Question) -> MasterKeyState:  # noqa: ARG002 - the same for everyone
        current = await self._current_key_id()
        async with self._database.sweep() as transaction:
            since = await frozen(transaction)
            return MasterKeyState(
                master_key_id=current,
                data_keys=await data_keys(transaction),
                frozen_at=since.at if since else None,
                frozen_by=since.by if since else None,
                rewrap=await latest_rewrap(transaction),
            )

    async def freeze(self, question: Question) -> MasterKeyState:
        await self._freeze.freeze(question)
        return await self.show(question)

    async def unfreeze(self, question: Question) -> MasterKeyState:
        await self._freeze.unfreeze(question)
        return await self.show(question)

    async def _current_key_id(self) -> str | None:
        try:
            return await self._vault.current_key_id()
        except MasterKeyUnavailableError:
            return None
