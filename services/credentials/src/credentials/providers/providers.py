"""Use cases of providers: make, read, change, remove."""

import hmac

import structlog
from pydantic import JsonValue, SecretStr

from credentials.repositories import providers as repository
from credentials.repositories.audit import note
from credentials.repositories.uses import agents_using
from credentials.vault import Vault
from shared.bus import Bus
from shared.contracts.base import Empty, Page, PageQuestion
from shared.contracts.credentials import (
    PROVIDER_CHANGED,
    CreateProvider,
    Provider,
    ProviderChanged,
    ProviderPatch,
    ProviderQuestion,
    ProviderSubmission,
    ProviderType,
    UpdateProvider,
    submission_binding,
)
from shared.contracts.held_providers import ChangedProviders, HeldProviders
from shared.database import Database, Transaction
from shared.errors import (
    ConflictError,
    PreconditionFailedError,
    ProviderInUseError,
)
from shared.pages import before, page_of

from .external_ids import external_id_of
from .planning import NewSecret, Plan, Planner, context_of
from .submissions import Submissions, SubmittedT

__all__ = ["Providers"]

log = structlog.get_logger(__name__)

_ProviderAct = CreateProvider | UpdateProvider | ProviderQuestion


class Providers:
    """Everything asked about providers but their secrets.

    A secret arrives in *submissions*; what is stored is sealed anew by *vault*.
    """

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

    async def create(self, question: CreateProvider) -> Provider:
        """Add a provider; a repeat of the submission that made it returns it again.

        Raises `NameTakenError`, or `ConflictError` if the id is another provider's.
        """
        submission = self._opened_submission(question, ProviderSubmission)
        fingerprint = self._submissions.fingerprint(
            submission, binding=_binding(question)
        )
        try:
            return await self._add(question, submission, fingerprint)
        except ConflictError:
            if not await self._is_made_by(question, fingerprint):
                raise
        return await self._read(question)

    async def update(self, question: UpdateProvider) -> Provider:
        """Change a provider; a new secret becomes its next version.

        Raises `SecretRequiredError` when the base URL's origin changes without one,
        and `PreconditionFailedError` when *if_version* is not the row's version.
        """
        patch = self._opened_submission(question, ProviderPatch)
        current, changed = await self._changed(question, patch)
        if changed.version > current.version:
            log.info("provider.updated", provider=str(changed.id))
            await self._tell_changed(question)
        return changed

    async def delete(self, question: ProviderQuestion) -> Empty:
        """Remove a provider and its secret. Raises `ProviderInUseError`."""
        async with self._database.organization(question.org_id) as transaction:
            provider = await repository.lock_provider(transaction, question.provider_id)
            await _require_unused(transaction, provider)
            await repository.remove_provider(transaction, provider.id)
            await _note(
                transaction, question, "provider.deleted", {"name": provider.name}
            )
        log.info("provider.deleted", provider=str(provider.id))
        await self._tell_changed(question)
        return Empty()

    async def get(self, question: ProviderQuestion) -> Provider:
        return await self._read(question)

    async def list(self, question: PageQuestion) -> Page[Provider]:
        async with self._database.organization(question.org_id) as transaction:
            found = await repository.providers(
                transaction, before=before(question.cursor), limit=question.limit + 1
            )
        return page_of(found, limit=question.limit, id_of=lambda each: each.id)

    async def changed(self, question: HeldProviders) -> ChangedProviders:
        """Find what has changed since it was leased, of whichever organizations."""
        async with self._database.sweep_once() as connection:
            changed = await repository.changed_providers(connection, question.held)
        return ChangedProviders(changed=changed)

    def _opened_submission(
        self, question: CreateProvider | UpdateProvider, kind: type[SubmittedT]
    ) -> SubmittedT:
        return self._submissions.opened(
            question.sealed, kind, binding=_binding(question)
        )

    async def _add(
        self,
        question: CreateProvider,
        submission: ProviderSubmission,
        fingerprint: bytes,
    ) -> Provider:
        plan = await self._planner.first(question, submission)
        async with self._database.organization(question.org_id) as transaction:
            await repository.add_provider(
                transaction,
                org_id=question.org_id,
                provider_id=question.provider_id,
                provider_type=submission.type,
                configuration=plan.configuration,
                missing=plan.missing,
                fingerprint=fingerprint,
            )
            if plan.secret is not None:
                await _put(transaction, plan.secret)
            if submission.type is ProviderType.BEDROCK:
                await external_id_of(transaction, question.org_id)
            await _note(
                transaction,
                question,
                "provider.created",
                {"name": plan.configuration.name},
            )
            provider = await repository.provider(transaction, question.provider_id)
        log.info("provider.created", provider=str(provider.id))
        return provider

    async def _is_made_by(self, question: CreateProvider, fingerprint: bytes) -> bool:
        async with self._database.organization(question.org_id) as transaction:
            made_by = await repository.fingerprint_of(transaction, question.provider_id)
        return made_by is not None and hmac.compare_digest(made_by, fingerprint)

    async def _read(self, question: _ProviderAct) -> Provider:
        async with self._database.organization(question.org_id) as transaction:
            return await repository.provider(transaction, question.provider_id)

    async def _changed(
        self, question: UpdateProvider, patch: ProviderPatch
    ) -> tuple[Provider, Provider]:
        """Return the provider before and after; begin again whenever overtaken.

        What is written is planned, and its secret sealed, before the transaction: the
        master key may be slow, and a transaction holds locks.
        """
        while True:
            current = await self._read(question)
            _require_version(current, question.if_version)
            try:
                plan = await self._planned(question, current, patch)
            except _OvertakenError:
                continue
            async with self._database.organization(question.org_id) as transaction:
                locked = await repository.lock_provider(transaction, current.id)
                if locked.version == current.version:
                    await _carry_out(transaction, question, plan)
                    changed = await repository.provider(transaction, current.id)
                    return current, changed

    async def _planned(
        self, question: UpdateProvider, current: Provider, patch: ProviderPatch
    ) -> Plan:
        async def open_stored() -> dict[str, SecretStr]:
            return await self._opened(question, current)

        return await self._planner.change(
            question, current, patch, open_stored=open_stored
        )

    async def _opened(
        self, question: UpdateProvider, current: Provider
    ) -> dict[str, SecretStr]:
        """Open the stored secrets, to seal some of them anew; the audit comes first."""
        version = current.credential.version
        async with self._database.organization(question.org_id) as transaction:
            sealed = await repository.sealed_secret(
                transaction, current.id, version=version
            )
            if sealed is None:
                raise _OvertakenError
            await _note(
                transaction,
                question,
                "credential.opened",
                {"purpose": "update", "credential_version": version},
            )
        context = context_of(question, current.base_url, version=version)
        return await self._vault.open(sealed, context)

    async def _tell_changed(self, question: UpdateProvider | ProviderQuestion) -> None:
        await self._bus.signal(
            PROVIDER_CHANGED,
            ProviderChanged(org_id=question.org_id, provider_id=question.provider_id),
        )


def _binding(question: CreateProvider | UpdateProvider) -> bytes:
    return submission_binding(question.org_id, question.provider_id)


class _OvertakenError(Exception):
    """Somebody else's change came first."""


async def _carry_out(
    transaction: Transaction, question: UpdateProvider, plan: Plan
) -> None:
    """Write *plan* to a locked provider."""
    if not plan.changes:
        return
    await repository.change_provider(
        transaction, question.provider_id, plan.configuration, missing=plan.missing
    )
    if plan.secret is not None:
        await _put(transaction, plan.secret)
    await _note(transaction, question, "provider.updated", {"changed": [*plan.changes]})


async def _put(transaction: Transaction, secret: NewSecret) -> None:
    await repository.put_secret(
        transaction,
        secret.context,
        secret=secret.sealed,
        fields=secret.names,
        hint=secret.hint,
    )


def _require_version(provider: Provider, if_version: int | None) -> None:
    if if_version not in {None, provider.version}:
        raise PreconditionFailedError(
            f"Provider {provider.id} has moved on to version {provider.version}."
        )


async def _require_unused(transaction: Transaction, provider: Provider) -> None:
    """Look for uses of a locked provider: none can be added before it is gone."""
    agents = await agents_using(transaction, provider.id)
    if not agents:
        return
    raise ProviderInUseError(
        f'Agents use the provider "{provider.name}"; stop them first.',
        details={
            "agents": [{"id": str(agent.id), "name": agent.name} for agent in agents]
        },
    )


async def _note(
    transaction: Transaction,
    question: _ProviderAct,
    act: str,
    details: dict[str, JsonValue],
) -> None:
    await note(
        transaction,
        org_id=question.org_id,
        actor=question.actor,
        act=act,
        object_kind="provider",
        object_id=question.provider_id,
        details=details,
    )
