"""`/providers`: what credentials keeps; a secret passes here sealed at once."""

from http import HTTPStatus

from gateway.access.permissions import Permission
from gateway.iam_policies import IamPolicy, PolicyQuery, policy_answer
from gateway.routing.asked import Asked
from gateway.routing.operations import operation
from gateway.routing.reading import Input, PageQuery
from gateway.submissions import sealed_to
from shared.bus import Bus
from shared.contracts.agent_types import MODELS_IN_USE, ModelsQuestion
from shared.contracts.base import Name, Page
from shared.contracts.credentials import (
    CREATE_PROVIDER,
    DELETE_PROVIDER,
    GET_PROVIDER,
    LIST_PROVIDERS,
    UPDATE_PROVIDER,
    CreateProvider,
    Provider,
    ProviderPatch,
    ProviderQuestion,
    ProviderSubmission,
    UpdateProvider,
)
from shared.contracts.probes import (
    LIST_LIVE_MODELS,
    PROBE_PROVIDER,
    PROBE_SUBMISSION,
    ListLiveModels,
    LiveModels,
    ProbedModel,
    ProbeProvider,
    ProbeResult,
    ProbeSubmission,
    Region,
)
from shared.errors import (
    BaseUrlForbiddenError,
    CredentialsExpiredError,
    CredentialsFrozenError,
    CredentialsMissingError,
    MasterKeyUnavailableError,
    NameTakenError,
    PreconditionFailedError,
    ProviderCallFailedError,
    ProviderIncompleteError,
    ProviderInUseError,
    ProviderNotFoundError,
    RoleRefusedError,
    SecretRequiredError,
)
from shared.identity import PublicIdentity

__all__ = ["ProviderRoutes"]


class ProviderTest(Input):
    """Which model is asked for a few tokens; without one, a list is read.

    Bedrock needs a model: given, or allowed by an agent type.
    """

    model: ProbedModel | None = None


class ProviderTrial(ProviderSubmission):
    """A provider as it would be created, which need not have a name yet."""

    name: Name = "a provider on trial"
    model: ProbedModel | None = None


class LiveModelsQuery(Input):
    """In which region Bedrock is asked; the provider's own, if none is named."""

    region: Region | None = None


class ProviderRoutes:
    """*credentials* is whom submissions are sealed to."""

    def __init__(self, bus: Bus, *, credentials: PublicIdentity) -> None:
        self._bus = bus
        self._credentials = credentials

    @operation("GET /providers", needs=Permission.PROVIDERS_READ)
    async def list_providers(self, asked: Asked, query: PageQuery) -> Page[Provider]:
        """List providers, newest first."""
        return await self._bus.ask(LIST_PROVIDERS, asked.page(query))

    @operation(
        "POST /providers",
        needs=Permission.PROVIDERS_WRITE,
        status=HTTPStatus.CREATED,
        errors=(
            BaseUrlForbiddenError,
            MasterKeyUnavailableError,
            NameTakenError,
            ProviderIncompleteError,
        ),
    )
    async def create_provider(self, asked: Asked, body: ProviderSubmission) -> Provider:
        """Add a provider; its secret is stored encrypted and never shown again."""
        sealed = sealed_to(
            self._credentials, body, org_id=asked.org_id, provider_id=asked.new_id
        )
        question = CreateProvider(
            org_id=asked.org_id,
            actor=asked.actor,
            provider_id=asked.new_id,
            sealed=sealed,
        )
        return await self._bus.ask(CREATE_PROVIDER, question)

    @operation(
        "GET /providers/{id}",
        needs=Permission.PROVIDERS_READ,
        missing=ProviderNotFoundError,
    )
    async def get_provider(self, asked: Asked) -> Provider:
        """Show a provider, without its secret."""
        return await self._bus.ask(GET_PROVIDER, _question(asked))

    @operation(
        "PATCH /providers/{id}",
        needs=Permission.PROVIDERS_WRITE,
        errors=(
            BaseUrlForbiddenError,
            MasterKeyUnavailableError,
            NameTakenError,
            PreconditionFailedError,
            ProviderIncompleteError,
            SecretRequiredError,
        ),
        missing=ProviderNotFoundError,
    )
    async def update_provider(
        self, asked: Asked, body: ProviderPatch, if_version: int | None
    ) -> Provider:
        """Change a provider; what is not named stays, its secret too."""
        sealed = sealed_to(
            self._credentials, body, org_id=asked.org_id, provider_id=asked.id
        )
        question = UpdateProvider(
            org_id=asked.org_id,
            actor=asked.actor,
            provider_id=asked.id,
            sealed=sealed,
            if_version=if_version,
        )
        return await self._bus.ask(UPDATE_PROVIDER, question)

    @operation(
        "DELETE /providers/{id}",
        needs=Permission.PROVIDERS_WRITE,
        errors=(ProviderInUseError,),
        missing=ProviderNotFoundError,
    )
    async def delete_provider(self, asked: Asked) -> None:
        """Delete a provider that no active agent uses."""
        await self._bus.ask(DELETE_PROVIDER, _question(asked))

    @operation(
        "GET /providers/{id}/iam-policy",
        needs=Permission.PROVIDERS_READ,
        missing=ProviderNotFoundError,
    )
    async def get_iam_policy(self, asked: Asked, query: PolicyQuery) -> IamPolicy:
        """Make the least IAM policy for the models that are named, or are in use."""
        provider = await self._bus.ask(GET_PROVIDER, _question(asked))
        models = query.named_models
        if models is None:
            models = await self._models_in_use(asked)
        return policy_answer(provider, models, account=query.account)

    @operation(
        "POST /providers/{id}/test",
        needs=Permission.PROVIDERS_WRITE,
        errors=(MasterKeyUnavailableError,),
        missing=ProviderNotFoundError,
    )
    async def test_provider(
        self, asked: Asked, body: ProviderTest | None
    ) -> ProbeResult:
        """Make one cheap call to a provider, and explain what went wrong."""
        question = ProbeProvider(
            org_id=asked.org_id,
            actor=asked.actor,
            provider_id=asked.id,
            model=body.model if body else None,
        )
        return await self._bus.ask(PROBE_PROVIDER, question)

    @operation(
        "POST /providers/test",
        needs=Permission.PROVIDERS_WRITE,
        errors=(BaseUrlForbiddenError, ProviderIncompleteError),
    )
    async def test_submission(self, asked: Asked, body: ProviderTrial) -> ProbeResult:
        """Try a provider before it is added; nothing of it is kept."""
        sealed = sealed_to(
            self._credentials, body, org_id=asked.org_id, provider_id=asked.new_id
        )
        question = ProbeSubmission(
            org_id=asked.org_id,
            actor=asked.actor,
            provider_id=asked.new_id,
            sealed=sealed,
            model=body.model,
        )
        return await self._bus.ask(PROBE_SUBMISSION, question)

    @operation(
        "GET /providers/{id}/models",
        needs=Permission.PROVIDERS_WRITE,
        errors=(
            CredentialsExpiredError,
            CredentialsFrozenError,
            CredentialsMissingError,
            MasterKeyUnavailableError,
            ProviderCallFailedError,
            RoleRefusedError,
        ),
        missing=ProviderNotFoundError,
    )
    async def list_live_models(
        self, asked: Asked, query: LiveModelsQuery
    ) -> LiveModels:
        """List the models that the provider itself lists, all at once.

        It takes the right to change providers, for the secret is opened to ask.
        """
        question = ListLiveModels(
            org_id=asked.org_id,
            actor=asked.actor,
            provider_id=asked.id,
            region=query.region,
        )
        return await self._bus.ask(LIST_LIVE_MODELS, question)

    async def _models_in_use(self, asked: Asked) -> list[str]:
        question = ModelsQuestion(
            org_id=asked.org_id, actor=asked.actor, provider_id=asked.id
        )
        return (await self._bus.ask(MODELS_IN_USE, question)).models


def _question(asked: Asked) -> ProviderQuestion:
    return ProviderQuestion(
        org_id=asked.org_id, actor=asked.actor, provider_id=asked.id
    )
