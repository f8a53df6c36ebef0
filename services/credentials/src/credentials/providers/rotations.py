"""Use cases of rotations: stage a new secret, put it in place, or drop it.

Each may be asked for again, by whoever goes on with a job that somebody else began.
"""

from datetime import timedelta

import structlog
from pydantic import JsonValue

from credentials.repositories import providers as providers_repository
from credentials.repositories import rotations as repository
from credentials.repositories.audit import note
from credentials.repositories.rotations import RotationState, StagedSecret
from credentials.vault import Vault
from shared.bus import Bus
from shared.contracts.base import Empty
from shared.contracts.credentials import (
    PROVIDER_CHANGED,
    Provider,
    ProviderChanged,
    ProviderPatch,
    submission_binding,
)
from shared.contracts.rotations import RetireProvider, RotationQuestion, StageSecret
from shared.database import Database, Transaction
from shared.errors import SecretOvertakenError

from .planning import Planner, context_of
from .submissions import Submissions

__all__ = ["Rotations"]

log = structlog.get_logger(__name__)

_KEPT_FOR = timedelta(days=7)

_Act = StageSecret | RotationQuestion | RetireProvider


class Rotations:
    def __init__(
        self,
        *,
        database: Database,
        vault: Vault,
        bus: Bus,
        submissions: Submissions,
        planner: Planner,
    ) -> None:
        self._database = database
        self._vault = vault
        self._bus = bus
        self._submissions = submissions
        self._planner = planner

    async def stage(self, question: StageSecret) -> Empty:
        """Seal a new secret as the provider's next version, beside the one in use.

        Raises what an update with it would, and `ProviderIncompleteError` if agents
        could not work with it alone.
        """
        patch = self._submissions.opened(
            question.sealed,
            ProviderPatch,
            binding=submission_binding(question.org_id, question.provider_id),
        )
        async with self._database.organization(question.org_id) as transaction:
            current = await providers_repository.provider(
                transaction, question.provider_id
            )
        new = await self._planner.replacement(question, current, patch)
        async with self._database.organization(question.org_id) as transaction:
            if await repository.add_rotation(
                transaction,
                question.rotation_id,
                new.secret.context,
                secret=new.secret.sealed,
                fields=new.secret.names,
                hint=new.secret.hint,
                expires_at=new.expires_at,
            ):
                await _note(transaction, question, "credential.staged")
        return Empty()

    async def switch(self, question: RotationQuestion) -> Provider:
        """Put the staged secret in place of the one in use, which is gone then.

        Raises `SecretOvertakenError` if it is not staged any more, is not what follows
        the version in use, or does not go with a role that came, or a region that went,
        meanwhile.
        """
        async with self._database.organization(question.org_id) as transaction:
            current = await providers_repository.lock_provider(
                transaction, question.provider_id
            )
            staged = await repository.lock_rotation(transaction, question.rotation_id)
            if staged is not None and staged.state is RotationState.SWITCHED:
                return current
            await self._put_in_place(transaction, question, current, staged)
            await _note(transaction, question, "provider.rotated")
            changed = await providers_repository.provider(transaction, current.id)
        log.info("provider.rotated", provider=str(changed.id))
        await self._tell_changed(question)
        return changed

    async def discard(self, question: RotationQuestion) -> Empty:
        """Drop the staged secret; one that is in place already stays there."""
        async with self._database.organization(question.org_id) as transaction:
            if await repository.discard(transaction, question.rotation_id):
                await _note(transaction, question, "credential.discarded")
        return Empty()

    async def retire(self, question: RetireProvider) -> Provider:
        """Let nobody begin to use a provider any more, or let all use it again."""
        act = "provider.retired" if question.is_retiring else "provider.reinstated"
        async with self._database.organization(question.org_id) as transaction:
            if await repository.retire_provider(
                transaction, question.provider_id, is_retiring=question.is_retiring
            ):
                await _note(transaction, question, act)
            return await providers_repository.provider(
                transaction, question.provider_id
            )

    async def forget(self) -> None:
        """Drop staged secrets that no job has come back to for days."""
        async with self._database.sweep() as transaction:
            await repository.forget_rotations(transaction, older_than=_KEPT_FOR)

    async def _put_in_place(
        self,
        transaction: Transaction,
        question: RotationQuestion,
        current: Provider,
        staged: StagedSecret | None,
    ) -> None:
        if staged is None or staged.secret is None or staged.provider_id != current.id:
            raise SecretOvertakenError("The new secret is not kept any more.")
        if staged.version != current.credential.version + 1:
            raise SecretOvertakenError(
                f'Somebody else changed the secret of "{current.name}" meanwhile.'
            )
        if "api_key" in staged.fields and current.aws_role_arn is not None:
            raise SecretOvertakenError(
                f'Somebody else gave "{current.name}" a role meanwhile; an api_key '
                "stands instead of one."
            )
        if "aws_region" in current.credential.missing:
            raise SecretOvertakenError(
                f'Somebody took the region of "{current.name}" away meanwhile.'
            )
        await providers_repository.put_secret(
            transaction,
            context_of(question, current.base_url, version=staged.version),
            secret=staged.secret,
            fields=staged.fields,
            hint=staged.hint,
        )
        await repository.switched(
            transaction, question.rotation_id, expires_at=staged.expires_at
        )

    async def _tell_changed(self, question: RotationQuestion) -> None:
        await self._bus.signal(
            PROVIDER_CHANGED,
            ProviderChanged(org_id=question.org_id, provider_id=question.provider_id),
        )


async def _note(transaction: Transaction, question: _Act, act: str) -> None:
    details: dict[str, JsonValue] = {}
    if not isinstance(question, RetireProvider):
        details["rotation_id"] = str(question.rotation_id)
    await note(
        transaction,
        org_id=question.org_id,
        actor=question.actor,
        act=act,
        object_kind="provider",
        object_id=question.provider_id,
        details=details,
    )
