"""Whether the models of an agent type are such as its Bedrock provider can be asked."""

from pydantic import JsonValue

from shared.bedrock_models import ModelIdError, bedrock_model
from shared.contracts.agent_runner import AgentTypeSubmission
from shared.errors import InvalidError

__all__ = ["require_bedrock_models"]


def require_bedrock_models(
    submission: AgentTypeSubmission, *, region: str | None
) -> None:
    """Raise `InvalidError` that names each wrong model; ARNs are of *region*."""
    named = {"model": submission.model} | {
        f"allowed_models.{index}": model
        for index, model in enumerate(submission.allowed_models or [])
    }
    fields: list[JsonValue] = [
        {"field": field, "message": problem}
        for field, model in named.items()
        if (problem := _problem(model, region))
    ]
    if fields:
        raise InvalidError(
            "A model of the type is none that its Bedrock provider can be asked for.",
            details={"fields": fields},
        )


def _problem(text: str, region: str | None) -> str | None:
    try:
        model = bedrock_model(text)
    except ModelIdError as error:
        return str(error)
    if None not in {region, model.region} and model.region != region:
        return f"is of the region {model.region}; its provider is in {region}"
    return None
