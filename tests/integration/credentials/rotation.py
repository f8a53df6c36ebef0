"""An operator who rotates the master key, and what the rows look like meanwhile."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from ag2trust.waiting import until
from credentials.master_keys.local import LocalMasterKey
from credentials.settings import Settings
from shared.contracts.base import Question
from shared.contracts.master_key import (
    FREEZE,
    GET_MASTER_KEY,
    GET_REWRAP,
    START_REWRAP,
    UNFREEZE,
    MasterKeyState,
    Rewrap,
    RewrapQuestion,
    RewrapStatus,
    StartRewrap,
)
from shared.ids import new_id

from .speaking import Agent, Operator, Runner

__all__ = ["QUICKLY", "Rotation", "key_id_of"]

QUICKLY = 10_000
"""Data keys a second."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """From the settings *old* to *new*, which names the old key as a retired one."""

    old: Settings
    new: Settings
    operator: Operator
    runner: Runner
    superuser: "asyncpg.Connection[asyncpg.Record]"

    async def agents(self, count: int) -> list[Agent]:
        """Make providers whose keys are `sk-<n>`, and an agent for each."""
        agents = []
        for number in range(count):
            provider = await self.operator.create(
                f"Number {number}", api_key=f"sk-{number}"
            )
            agents.append(Agent(self.runner, provider.id))
            await agents[-1].claim()
        return agents

    async def leased(self, agents: Sequence[Agent]) -> list[str]:
        """Open every agent's secret."""
        leased = await asyncio.gather(*(agent.lease() for agent in agents))
        return [each.fields["api_key"].get_secret_value() for each in leased]

    async def start(self, rewrap_id: UUID | None = None) -> Rewrap:
        question = StartRewrap(
            org_id=self.operator.org_id,
            actor=self.operator.actor,
            rewrap_id=rewrap_id or new_id(),
        )
        return await self.operator.bus.ask(START_REWRAP, question)

    async def get(self, rewrap_id: UUID) -> Rewrap:
        question = RewrapQuestion(
            org_id=self.operator.org_id, actor=self.operator.actor, rewrap_id=rewrap_id
        )
        return await self.operator.bus.ask(GET_REWRAP, question)

    async def ended(self, rewrap_id: UUID) -> Rewrap:
        return await until(
            "the end of the rewrap",
            lambda: self.get(rewrap_id),
            lambda rewrap: rewrap.status is not RewrapStatus.RUNNING,
        )

    async def done(self) -> Rewrap:
        """Start a rewrap and wait for its end."""
        return await self.ended((await self.start()).id)

    async def state(self) -> MasterKeyState:
        return await self.operator.bus.ask(GET_MASTER_KEY, self._question)

    async def freeze(self) -> None:
        await self.operator.bus.ask(FREEZE, self._question)

    async def unfreeze(self) -> None:
        await self.operator.bus.ask(UNFREEZE, self._question)

    async def master_keys(self) -> set[str]:
        """Tell which master keys the stored data keys are under."""
        rows = await self.superuser.fetch(
            "SELECT DISTINCT master_key_id FROM credential_version"
        )
        return {row["master_key_id"] for row in rows}

    async def noted(self, act: str) -> list[asyncpg.Record]:
        return await self.superuser.fetch(
            "SELECT * FROM audit WHERE act = $1 ORDER BY id", act
        )

    @property
    def _question(self) -> Question:
        return Question(org_id=self.operator.org_id, actor=self.operator.actor)


def key_id_of(settings: Settings) -> str:
    assert settings.master_key_file is not None
    return LocalMasterKey.from_file(settings.master_key_file).key_id
