"""The answer to `GET /providers/{id}/iam-policy`: what an AWS account is to allow."""

from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints

from shared.bedrock_models import BedrockModel, ModelIdError, bedrock_model
from shared.bedrock_policy import OPTIONAL_STATEMENT, iam_policy
from shared.contracts.credentials import Provider, ProviderType
from shared.errors import InvalidError

from .routing.reading import Input, invalid_query

__all__ = ["IamPolicy", "PolicyQuery", "policy_answer"]

_EVERY_MODEL = (
    "No agent type uses this provider yet, so the policy allows every model; ask again "
    "when one does, or name models as ?models=…"
)
_ANY_ACCOUNT = (
    "Inference profiles are allowed of any account; name yours as ?account=… to narrow "
    "the policy."
)
_DESTINATIONS = (
    "The regions that an inference profile leads to are allowed by its geography, and "
    "through that profile alone."
)


class PolicyQuery(Input):
    """*models* are ids separated by commas, *account* is the AWS account."""

    models: str | None = Field(default=None, max_length=4000)
    account: Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")] | None = None

    @property
    def named_models(self) -> list[str] | None:
        if self.models is None:
            return None
        return [each.strip() for each in self.models.split(",") if each.strip()]


class IamPolicy(BaseModel):
    """*policy* is the document to attach; it works without *optional_statements*."""

    policy: dict[str, Any]
    models: list[str]
    optional_statements: list[str]
    notes: list[str]


def policy_answer(
    provider: Provider, models: list[str], *, account: str | None
) -> IamPolicy:
    """Raise `InvalidError` for another type, no region, or what is no model."""
    region = _region(provider)
    known = [_known(each) for each in models]
    account = account or _account_of_role(provider)
    has_profiles = any(each.geography for each in known)
    notes = {
        _EVERY_MODEL: not known,
        _ANY_ACCOUNT: account is None and (has_profiles or not known),
        _DESTINATIONS: has_profiles,
    }
    return IamPolicy(
        policy=iam_policy(
            known,
            region=region,
            account=account or "*",
            is_bearer="api_key" in provider.credential.fields,
        ),
        models=sorted({*models}),
        optional_statements=[OPTIONAL_STATEMENT],
        notes=[note for note, applies in notes.items() if applies],
    )


def _region(provider: Provider) -> str:
    if provider.type is not ProviderType.BEDROCK:
        raise InvalidError(
            f"Only bedrock providers have an IAM policy; this one is {provider.type}."
        )
    if provider.aws_region is None:
        raise InvalidError("The provider has no aws_region yet; set it first.")
    return provider.aws_region


def _known(text: str) -> BedrockModel:
    try:
        return bedrock_model(text)
    except ModelIdError as error:
        raise invalid_query({"models": f'"{text[:200]}" {error}'}) from None


def _account_of_role(provider: Provider) -> str | None:
    """Read the account from `arn:aws:iam::<account>:role/…`: models run in it."""
    return provider.aws_role_arn.split(":")[4] if provider.aws_role_arn else None
