"""Rewrap: every data key of the installation comes under the current master key.

What is left to do is read from the rows, so a process that dies loses nothing, and two
that work at once only repeat each other. A row is replaced if it still is what was
read, so a credential that is updated meanwhile stays as updated. Each replaced row, its
audit entry and the count are one transaction.

The secrets are not opened. Within AWS not even the data keys leave KMS (`ReEncrypt`);
from a file they pass through this process's memory.
"""

import asyncio
import time
from collections.abc import Callable

import structlog
from pydantic import JsonValue

from credentials.repositories import rewraps as repository
from credentials.repositories.audit import note
from credentials.repositories.rewraps import Job, WrappedRow
from credentials.vault import Vault
from shared.contracts.base import Actor
from shared.contracts.master_key import (
    Rewrap,
    RewrapQuestion,
    StartRewrap,
)
from shared.database import Database, Transaction
from shared.errors import CredentialUnreadableError

__all__ = ["Rewraps"]

log = structlog.get_logger(__name__)

_BATCH = 100
_OURSELVES = Actor(kind="service", id="credentials")


class Rewraps:
    """*woken* is set when there is work; `advance` does it, *per_second* rows at most.

    KMS limits an account's requests, which others of the account need too.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        *,
        per_second: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.woken = asyncio.Event()
        self._database = database
        self._vault = vault
        self._seconds_each = 1 / per_second
        self._monotonic = monotonic

    async def start(self, question: StartRewrap) -> Rewrap:
        """Start a rewrap to the current master key, or tell of the one that runs.

        Raises `MasterKeyUnavailableError`. One towards an earlier key is superseded.
        """
        target = await self._vault.current_key_id()
        async with self._database.sweep() as transaction:
            await repository.supersede(transaction, master_key_id=target)
            is_new = await repository.add_rewrap(
                transaction,
                rewrap_id=question.rewrap_id,
                org_id=question.org_id,
                master_key_id=target,
            )
            rewrap = await repository.this_or_latest(transaction, question.rewrap_id)
            if is_new:
                await _note_started(transaction, question, rewrap)
        self.woken.set()
        return rewrap

    async def get(self, question: RewrapQuestion) -> Rewrap:
        """Tell how far a rewrap is. Raises `JobNotFoundError`."""
        async with self._database.sweep() as transaction:
            return await repository.rewrap(transaction, question.rewrap_id)

    async def advance(self) -> None:
        """Do all there is to do; what cannot be done now is done by the next call.

        Raises `CredentialsFrozenError` and `MasterKeyUnavailableError` halfway.
        """
        while (job := await self._job()) is not None:
            async with self._database.sweep() as transaction:
                rows = await repository.rows_under_other_keys(
                    transaction, job, limit=_BATCH
                )
            if not rows:
                await self._finish(job)
                return
            for row in rows:
                await self._rewrap_at_pace(job, row)

    async def _job(self) -> Job | None:
        """Find the running rewrap, if the key that it is towards is ours to wrap with.

        A process that still has other settings leaves it to one that has them.
        """
        async with self._database.sweep() as transaction:
            job = await repository.running(transaction)
        if job is None:
            return None
        current = await self._vault.current_key_id()
        if job.master_key_id != current:
            log.warning("rewrap.left", rewrap=str(job.id), master_key=current)
            return None
        return job

    async def _rewrap_at_pace(self, job: Job, row: WrappedRow) -> None:
        began = self._monotonic()
        await self._rewrap(job, row)
        seconds_left = began + self._seconds_each - self._monotonic()
        if seconds_left > 0:
            await asyncio.sleep(seconds_left)

    async def _rewrap(self, job: Job, row: WrappedRow) -> None:
        """Replace one data key; one that is unreadable is told and gone past."""
        try:
            again = await self._vault.rewrap(row.secret, row.context)
        except CredentialUnreadableError as error:
            await self._give_up(job, row, error.code)
            return
        async with self._database.organization(row.org_id) as transaction:
            if await repository.put_data_key(transaction, job, row, again):
                await _note_row(
                    transaction,
                    job,
                    row,
                    "credential.rewrapped",
                    {"from": row.secret.master_key_id, "to": again.master_key_id},
                )

    async def _give_up(self, job: Job, row: WrappedRow, code: str) -> None:
        log.error("rewrap.failed", of=row.context.owner, code=code)
        async with self._database.organization(row.org_id) as transaction:
            if await repository.add_failure(transaction, job, row, code):
                await _note_row(
                    transaction, job, row, "credential.not_rewrapped", {"code": code}
                )

    async def _finish(self, job: Job) -> None:
        async with self._database.sweep() as transaction:
            status = await repository.finish(transaction, job)
            if status is None:
                return
            await _note(
                transaction,
                job,
                _OURSELVES,
                f"rewrap.{status}",
                {"master_key_id": job.master_key_id},
            )
        log.info("rewrap.finished", rewrap=str(job.id), status=status)


async def _note_started(
    transaction: Transaction, question: StartRewrap, rewrap: Rewrap
) -> None:
    job = Job(rewrap.id, question.org_id, rewrap.master_key_id)
    await _note(
        transaction,
        job,
        question.actor,
        "rewrap.started",
        {"master_key_id": rewrap.master_key_id, "total": rewrap.total},
    )


async def _note(
    transaction: Transaction,
    job: Job,
    actor: Actor,
    act: str,
    details: dict[str, JsonValue],
) -> None:
    await note(
        transaction,
        org_id=job.org_id,
        actor=actor,
        act=act,
        object_kind="rewrap",
        object_id=job.id,
        details=details,
    )


async def _note_row(
    transaction: Transaction,
    job: Job,
    row: WrappedRow,
    act: str,
    details: dict[str, JsonValue],
) -> None:
    about: dict[str, JsonValue] = {
        "rewrap_id": str(job.id),
        "credential_version": row.version,
    }
    await note(
        transaction,
        org_id=row.org_id,
        actor=_OURSELVES,
        act=act,
        object_kind=row.object_kind,
        object_id=row.object_id,
        details=about | details,
    )
