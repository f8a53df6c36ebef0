"""What a submission or a patch is to write: worked out, and sealed, before any lock."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from pydantic import SecretStr

from credentials.envelope import Context, SealedSecret
from credentials.vault import Vault
from shared.clock import Clock
from shared.contracts.credentials import (
    CreateProvider,
    Provider,
    ProviderPatch,
    ProviderSubmission,
    ProviderType,
    UpdateProvider,
)
from shared.contracts.rotations import RotationQuestion, StageSecret
from shared.errors import SecretRequiredError

from .configuration import (
    Configuration,
    configuration_of,
    own_base_url,
    patched,
    sealed_origin,
    submitted,
)
from .credential_fields import (
    SECRETS,
    SecretChange,
    change_of,
    hint_of_all,
    incomplete,
    is_temporary,
    missing_fields,
    require_fitting,
    require_one_way,
    secrets_in,
)

__all__ = ["NewSecret", "Plan", "Planner", "Replacement", "context_of"]

_Submission: TypeAlias = CreateProvider | UpdateProvider | StageSecret
OpenStored: TypeAlias = Callable[[], Awaitable[dict[str, SecretStr]]]


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A provider's secrets, sealed and not yet stored; *names* are those inside."""

    context: Context
    sealed: SealedSecret
    names: Sequence[str]
    hint: str | None
    is_temporary: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be written; of an update nothing, if there are no *changes*."""

    configuration: Configuration
    changes: Sequence[str]
    missing: Sequence[str]
    secret: NewSecret | None


@dataclass(frozen=True, slots=True)
class Replacement:
    """A provider's next secrets, which are all it has then, and when they expire."""

    secret: NewSecret
    expires_at: datetime | None


class Planner:
    """*allow_ambient*: roles may be assumed by the service's own AWS identity."""

    def __init__(
        self,
        vault: Vault,
        *,
        allow_private_base_urls: bool,
        allow_ambient: bool,
        now: Clock,
    ) -> None:
        self._vault = vault
        self._allow_private = allow_private_base_urls
        self._allow_ambient = allow_ambient
        self._now = now

    async def first(
        self, question: CreateProvider, submission: ProviderSubmission
    ) -> Plan:
        """Plan a new provider. Raises `InvalidError` and its kin."""
        configuration, secrets = self._read(submission)
        missing = self._missing_of(submission, configuration, secrets)
        if missing and not submission.allow_incomplete:
            raise incomplete(submission.type, missing)
        secret = await self._sealed(question, configuration, secrets, version=1)
        return Plan(configuration, [], missing, secret)

    def trial(
        self, submission: ProviderSubmission
    ) -> tuple[Configuration, dict[str, SecretStr]]:
        """Read what must be whole, and is not kept; raises as `first` does."""
        configuration, secrets = self._read(submission)
        if missing := self._missing_of(submission, configuration, secrets):
            raise incomplete(submission.type, missing)
        require_fitting(secrets)
        return configuration, secrets

    async def replacement(
        self, question: StageSecret, current: Provider, patch: ProviderPatch
    ) -> Replacement:
        """Plan secrets in place of all that are stored; of *patch* nothing else counts.

        Raises as `change` does, and whenever something would be missing.
        """
        given = patch.model_fields_set & {*SECRETS, "aws_session_expires_at"}
        whole = dict.fromkeys(current.credential.fields) | {
            name: getattr(patch, name) for name in given
        }

        async def nothing_stays() -> dict[str, SecretStr]:
            return {}

        plan = await self.change(
            question,
            current,
            ProviderPatch(**whole),
            open_stored=nothing_stays,
        )
        if plan.missing or plan.secret is None:
            raise incomplete(current.type, [*plan.missing])
        return Replacement(plan.secret, plan.configuration.aws_session_expires_at)

    async def change(
        self,
        question: UpdateProvider | StageSecret,
        current: Provider,
        patch: ProviderPatch,
        *,
        open_stored: OpenStored,
    ) -> Plan:
        """Plan an update; *open_stored* is asked only if some secrets stay as they are.

        Raises `InvalidError` and its kin: `ProviderIncompleteError` for taking away
        what is needed, `SecretRequiredError` for another origin without the secrets.
        """
        configuration = patched(
            current, patch, allow_private=self._allow_private, now=self._now()
        )
        change = change_of(patch, stored={*current.credential.fields})
        secret = await self._new_secret(
            question, current, configuration, change, open_stored
        )
        missing = self._missing(
            current.type,
            configuration,
            change.names,
            needs_token=_needs_token(current, change, secret),
        )
        if missing and not (patch.allow_incomplete or current.credential.missing):
            raise incomplete(current.type, missing)
        changes = configuration_of(current).differences(configuration) + change.changed
        if missing != current.credential.missing:
            changes.append("missing")
        return Plan(configuration, changes, missing, secret)

    def _read(
        self, submission: ProviderSubmission
    ) -> tuple[Configuration, dict[str, SecretStr]]:
        configuration = submitted(
            submission, allow_private=self._allow_private, now=self._now()
        )
        return configuration, secrets_in(submission)

    def _missing_of(
        self,
        submission: ProviderSubmission,
        configuration: Configuration,
        secrets: Mapping[str, SecretStr],
    ) -> list[str]:
        return self._missing(
            submission.type,
            configuration,
            secrets.keys(),
            needs_token=is_temporary(secrets),
        )

    def _missing(
        self,
        provider_type: ProviderType,
        configuration: Configuration,
        names: AbstractSet[str],
        *,
        needs_token: bool,
    ) -> list[str]:
        require_one_way(names, has_role=configuration.aws_role_arn is not None)
        return missing_fields(
            provider_type,
            names,
            aws_region=configuration.aws_region,
            aws_role_arn=configuration.aws_role_arn,
            needs_token=needs_token,
            allow_ambient=self._allow_ambient,
        )

    async def _new_secret(
        self,
        question: UpdateProvider | StageSecret,
        current: Provider,
        configuration: Configuration,
        change: SecretChange,
        open_stored: OpenStored,
    ) -> NewSecret | None:
        """Seal what an update changes together with what it keeps; None for nothing.

        Secrets are bound to an origin, and go along to none but to the type's own,
        from none at all: that of a Bedrock provider whose region came later.
        """
        has_moved = sealed_origin(configuration.base_url) != sealed_origin(
            current.base_url
        )
        if not (has_moved or change.changed):
            return None
        if has_moved and change.kept and not _finds_home(current, configuration):
            raise _secrets_required([name for name in SECRETS if name in change.kept])
        stored = await open_stored() if change.kept else {}
        return await self._sealed(
            question,
            configuration,
            {name: stored[name] for name in change.kept} | change.given,
            version=current.credential.version + 1,
        )

    async def _sealed(
        self,
        question: _Submission,
        configuration: Configuration,
        secrets: Mapping[str, SecretStr],
        *,
        version: int,
    ) -> NewSecret:
        """Seal all secrets of a provider together; that it has none is sealed too."""
        require_fitting(secrets)
        context = context_of(question, configuration.base_url, version=version)
        return NewSecret(
            context,
            await self._vault.seal(secrets, context),
            names=[name for name in SECRETS if name in secrets],
            hint=hint_of_all(secrets),
            is_temporary=is_temporary(secrets),
        )


def context_of(
    question: _Submission | RotationQuestion, base_url: str | None, *, version: int
) -> Context:
    return Context(
        org_id=question.org_id,
        provider_id=question.provider_id,
        version=version,
        origin=sealed_origin(base_url),
    )


def _needs_token(
    current: Provider, change: SecretChange, secret: NewSecret | None
) -> bool:
    """Say whether the access key is temporary; a stored one is told by its token."""
    if secret is not None:
        return secret.is_temporary
    token = "aws_session_token"  # noqa: S105 - the name of a field
    return token in change.names or token in current.credential.missing


def _finds_home(current: Provider, configuration: Configuration) -> bool:
    own = own_base_url(current.type, configuration.aws_region)
    return current.base_url is None and configuration.base_url == own


def _secrets_required(names: Sequence[str]) -> SecretRequiredError:
    message = "is needed again when the origin of base_url changes"
    return SecretRequiredError.of_fields(
        f"The {' and '.join(names)} {message}.", dict.fromkeys(names, message)
    )
