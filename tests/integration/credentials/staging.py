"""A gateway that rotates a provider's secret."""

from typing import Any
from uuid import UUID

from shared.contracts.base import Empty
from shared.contracts.credentials import LeasedCredential, Provider, ProviderPatch
from shared.contracts.rotations import (
    DISCARD_SECRET,
    RETIRE_PROVIDER,
    STAGE_SECRET,
    SWITCH_SECRET,
    RetireProvider,
    RotationQuestion,
    StageSecret,
)
from shared.ids import new_id

from .speaking import OPERATOR, Operator, Runner

__all__ = ["Rotation"]


class Rotation:
    """A rotation of one provider, as a gateway asks for it."""

    def __init__(self, operator: Operator, provider_id: UUID) -> None:
        self.id = new_id()
        self._operator = operator
        self._about: dict[str, Any] = {
            "org_id": operator.org_id,
            "actor": operator.actor,
            "provider_id": provider_id,
        }

    async def stage(self, **secrets: Any) -> Empty:
        words = ProviderPatch.model_validate(secrets).model_dump_json()
        sealed = self._operator.sealed(words, self._about["provider_id"])
        question = StageSecret(**self._about, rotation_id=self.id, sealed=sealed)
        return await self._operator.bus.ask(STAGE_SECRET, question)

    async def switch(self) -> Provider:
        return await self._operator.bus.ask(SWITCH_SECRET, self._question)

    async def discard(self) -> Empty:
        return await self._operator.bus.ask(DISCARD_SECRET, self._question)

    async def retire(self, *, is_retiring: bool = True) -> Provider:
        question = RetireProvider(**self._about, is_retiring=is_retiring)
        return await self._operator.bus.ask(RETIRE_PROVIDER, question)

    async def leased(self, runner: Runner) -> LeasedCredential:
        """Lease what is staged, for a test."""
        signed = runner.signed(
            provider_id=self._about["provider_id"],
            purpose="test",
            actor=OPERATOR,
            rotation_id=self.id,
        )
        return runner.opened(await runner.ask(signed), signed)

    @property
    def _question(self) -> RotationQuestion:
        return RotationQuestion(**self._about, rotation_id=self.id)
