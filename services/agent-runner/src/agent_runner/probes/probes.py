"""Use cases of probes: try a provider, kept or on trial, and list its models.

Each is one lease of that purpose and calls of a few seconds; nothing of it is kept.
"""

import structlog

from agent_runner.explanations import ACK_ONLY_ERRORS, explained
from agent_runner.http.client import Client
from agent_runner.leases import Leases
from agent_runner.repositories.agent_types import models_in_use
from shared.bedrock_models import ModelIdError, bedrock_model
from shared.bus import Bus
from shared.clock import Clock, utc_now
from shared.contracts.credentials import (
    GET_PROVIDER,
    LeasedCredential,
    LeasePurpose,
    Provider,
    ProviderQuestion,
    ProviderType,
)
from shared.contracts.probes import (
    ListLiveModels,
    LiveModels,
    ProbeProvider,
    ProbeResult,
    ProbeSubmission,
)
from shared.database import Database
from shared.errors import InvalidError, ProviderCallFailedError

from .calling import CallFailedError
from .live_provider import LiveProvider

__all__ = ["Probes"]

log = structlog.get_logger(__name__)


class Probes:
    """Answered by any runner; *client* is the guarded way out to providers."""

    def __init__(
        self,
        *,
        bus: Bus,
        database: Database,
        leases: Leases,
        client: Client,
        now: Clock = utc_now,
    ) -> None:
        self._bus = bus
        self._database = database
        self._leases = leases
        self._client = client
        self._now = now

    async def probe_provider(self, question: ProbeProvider) -> ProbeResult:
        """Try a provider that is kept; also a credential that is not whole is a result.

        Raises `ProviderNotFoundError`, and `InvalidError` for a model that is needed or
        cannot be one.
        """
        provider = await self._provider(question)
        model = question.model or await self._model_in_use(provider, question)
        _require_model(provider.type, model)
        try:
            lease = await self._leases.obtain_once(
                LeasePurpose.TEST, question, rotation_id=question.rotation_id
            )
        except ACK_ONLY_ERRORS as error:
            return ProbeResult(ok=False, explanation=explained(error))
        return await self._tried(lease.credential, model)

    async def probe_submission(self, question: ProbeSubmission) -> ProbeResult:
        """Try a provider that is not kept; raises what its creation would, too."""
        try:
            lease = await self._leases.obtain_once(
                LeasePurpose.TRIAL, question, submission=question.sealed
            )
        except ACK_ONLY_ERRORS as error:
            return ProbeResult(ok=False, explanation=explained(error))
        _require_model(lease.credential.type, question.model)
        return await self._tried(lease.credential, question.model)

    async def list_models(self, question: ListLiveModels) -> LiveModels:
        """List a provider's models; raises `ProviderCallFailedError` saying why not."""
        provider = await self._provider(question)
        is_bedrock = provider.type is ProviderType.BEDROCK
        if question.region is not None and not is_bedrock:
            raise InvalidError.of_field(
                "region", "is for bedrock providers; others have none"
            )
        lease = await self._leases.obtain_once(LeasePurpose.MODELS, question)
        live = LiveProvider(self._client, lease.credential, now=self._now)
        region = question.region or provider.aws_region
        try:
            models = await live.models(region)
        except CallFailedError as failed:
            raise ProviderCallFailedError(
                f'The provider "{provider.name}" did not list its models.',
                details={"explanation": failed.explanation.model_dump(mode="json")},
            ) from failed
        try:
            profiles, explanation = await live.profiles(region), None
        except CallFailedError as failed:
            profiles, explanation = [], failed.explanation
        return LiveModels(
            data=[*models, *profiles],
            region=region if is_bedrock else None,
            explanation=explanation,
        )

    async def _tried(
        self, credential: LeasedCredential, model: str | None
    ) -> ProbeResult:
        live = LiveProvider(self._client, credential, now=self._now)
        try:
            return ProbeResult(ok=True, latency_ms=await live.latency_ms(model))
        except CallFailedError as failed:
            log.info(
                "probe.failed",
                provider=str(credential.provider_id),
                code=failed.explanation.code,
            )
            return ProbeResult(
                ok=False, latency_ms=failed.latency_ms, explanation=failed.explanation
            )

    async def _provider(self, question: ProbeProvider | ListLiveModels) -> Provider:
        return await self._bus.ask(
            GET_PROVIDER,
            ProviderQuestion(
                org_id=question.org_id,
                actor=question.actor,
                provider_id=question.provider_id,
            ),
        )

    async def _model_in_use(
        self, provider: Provider, question: ProbeProvider
    ) -> str | None:
        """Choose a model where one is needed: the first that agents may use."""
        if provider.type is not ProviderType.BEDROCK:
            return None
        async with self._database.organization(question.org_id) as transaction:
            models = await models_in_use(transaction, provider.id)
        return next(iter(models), None)


def _require_model(provider_type: ProviderType, model: str | None) -> None:
    """Raise `InvalidError` for Bedrock without a model, or with what is none."""
    if provider_type is not ProviderType.BEDROCK:
        return
    if model is None:
        raise InvalidError.of_field(
            "model", "is needed: no agent type uses this provider yet"
        )
    try:
        bedrock_model(model)
    except ModelIdError as error:
        raise InvalidError.of_field("model", str(error)) from None
