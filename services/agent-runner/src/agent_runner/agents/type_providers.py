"""Whether an agent type fits the providers that it names, its fallbacks included."""

from collections.abc import Iterator, Mapping
from uuid import UUID

from pydantic import JsonValue

from agent_runner.residency import Destination, violation
from shared.bedrock_models import ModelIdError, bedrock_model
from shared.contracts.agent_types import AgentTypeSubmission
from shared.contracts.credentials import Provider, ProviderType
from shared.contracts.routes import Fallback
from shared.errors import InvalidError

__all__ = ["require_fitting_providers"]


def require_fitting_providers(
    submission: AgentTypeSubmission, providers: Mapping[UUID, Provider]
) -> None:
    """Raise `InvalidError` that names each field which cannot be as it is.

    Those are models that a Bedrock provider cannot be asked for, fallbacks that are
    named twice, and whatever would break the residency.
    """
    fields: list[JsonValue] = [
        {"field": field, "message": problem}
        for field, route in _routes(submission)
        for problem in _problems(submission, route, providers[route.provider_id])
    ]
    fields += _repeated(submission)
    if fields:
        raise InvalidError(
            "The agent type does not fit its providers.", details={"fields": fields}
        )


def _routes(submission: AgentTypeSubmission) -> Iterator[tuple[str, Fallback]]:
    """Pair each provider and model that may be asked with the field that names it."""
    provider_id = submission.provider_id
    yield "model", Fallback(provider_id=provider_id, model=submission.model)
    for index, model in enumerate(submission.allowed_models or []):
        route = Fallback(provider_id=provider_id, model=model)
        yield f"allowed_models.{index}", route
    for index, fallback in enumerate(submission.fallbacks):
        yield f"fallbacks.{index}", fallback


def _problems(
    submission: AgentTypeSubmission, route: Fallback, provider: Provider
) -> Iterator[str]:
    is_bedrock = provider.type is ProviderType.BEDROCK
    if is_bedrock and (problem := _problem_of_model(route.model, provider.aws_region)):
        yield problem
        return
    destination = Destination(
        provider.type, provider.base_url, provider.aws_region, route.model
    )
    if problem := violation(submission.residency, destination):
        yield f"{problem} in the type's residency"


def _problem_of_model(text: str, region: str | None) -> str | None:
    """Say what is wrong with a model id of Bedrock; ARNs are of *region*."""
    try:
        model = bedrock_model(text)
    except ModelIdError as error:
        return str(error)
    if None not in {region, model.region} and model.region != region:
        return f"is of the region {model.region}; its provider is in {region}"
    return None


def _repeated(submission: AgentTypeSubmission) -> Iterator[JsonValue]:
    seen = {Fallback(provider_id=submission.provider_id, model=submission.model)}
    for index, fallback in enumerate(submission.fallbacks):
        if fallback in seen:
            message = "names a provider and model that come before it already"
            yield {"field": f"fallbacks.{index}", "message": message}
        seen.add(fallback)
