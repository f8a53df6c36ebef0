"""Which providers, models and places an agent type may name."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from agent_runner.agents.type_providers import require_fitting_providers
from shared.contracts.agent_types import AgentTypeSubmission
from shared.contracts.credentials import (
    CredentialState,
    Provider,
    ProviderLimits,
    ProviderStatus,
    ProviderType,
)
from shared.errors import InvalidError

SONNET = "anthropic.claude-3-5-sonnet-20241022-v2:0"
ELSEWHERE = f"arn:aws:bedrock:eu-west-1::foundation-model/{SONNET}"
BEDROCK, OPENAI, ANTHROPIC = UUID(int=1), UUID(int=2), UUID(int=3)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def provider(
    provider_id: UUID,
    provider_type: ProviderType,
    base_url: str | None = None,
    region: str | None = None,
) -> Provider:
    return Provider(
        id=provider_id,
        name=provider_type,
        type=provider_type,
        use_case=None,
        labels={},
        base_url=base_url,
        aws_region=region,
        limits=ProviderLimits(),
        enabled=True,
        status=ProviderStatus.READY,
        credential=CredentialState(version=1),
        version=1,
        created_at=NOON,
        updated_at=NOON,
    )


def providers(region: str | None = "us-east-1") -> dict[UUID, Provider]:
    return {
        BEDROCK: provider(BEDROCK, ProviderType.BEDROCK, region=region),
        OPENAI: provider(OPENAI, ProviderType.OPENAI, "https://eu.api.openai.com/v1"),
        ANTHROPIC: provider(
            ANTHROPIC, ProviderType.ANTHROPIC, "https://api.anthropic.com"
        ),
    }


def submission(provider_id: UUID = BEDROCK, **fields: Any) -> AgentTypeSubmission:
    given = {"name": "Helper", "slug": "helper", "provider_id": provider_id}
    return AgentTypeSubmission.model_validate(given | fields)


def problems(
    submission: AgentTypeSubmission, region: str | None = "us-east-1"
) -> dict[str, str]:
    with pytest.raises(InvalidError) as raised:
        require_fitting_providers(submission, providers(region))
    fields: Any = raised.value.details["fields"]
    return {each["field"]: each["message"] for each in fields}


@pytest.mark.parametrize(
    "model", [SONNET, f"us.{SONNET}", ELSEWHERE.replace("eu-west-1", "us-east-1")]
)
def test_models_of_bedrock_are_taken(model: str) -> None:
    require_fitting_providers(
        submission(model=model, allowed_models=[model, SONNET]), providers()
    )


def test_each_wrong_model_is_named_by_its_field() -> None:
    wrong = submission(
        model="gpt-4o",
        allowed_models=[SONNET, "gpt-4o"],
        fallbacks=[{"provider_id": BEDROCK, "model": "gpt-4"}],
    )

    found = problems(wrong)

    assert set(found) == {"model", "allowed_models.1", "fallbacks.0"}
    assert all("anthropic." in message for message in found.values())


def test_an_arn_of_another_region_is_refused() -> None:
    assert problems(submission(model=ELSEWHERE)) == {
        "model": "is of the region eu-west-1; its provider is in us-east-1"
    }


def test_while_the_provider_has_no_region_any_will_do() -> None:
    require_fitting_providers(submission(model=ELSEWHERE), providers(None))


def test_a_fallback_that_comes_before_already_is_refused() -> None:
    again = {"provider_id": ANTHROPIC, "model": "claude-opus-5"}
    repeated = submission(
        OPENAI,
        model="gpt-4o",
        fallbacks=[{"provider_id": OPENAI, "model": "gpt-4o"}, again, again],
    )

    assert set(problems(repeated)) == {"fallbacks.0", "fallbacks.2"}


def test_whatever_would_leave_the_residency_is_named() -> None:
    residency = {"provider_types": ["openai", "bedrock"], "regions": ["eu"]}
    leaving = submission(
        OPENAI,
        model="gpt-4o",
        residency=residency,
        fallbacks=[
            {"provider_id": ANTHROPIC, "model": "claude-opus-5"},
            {"provider_id": BEDROCK, "model": SONNET},
        ],
    )

    assert problems(leaving) == {
        "fallbacks.0": "is of the type anthropic, which is not named in the type's"
        " residency",
        "fallbacks.1": "leads to us-east-1, which is not named in the type's residency",
    }
    assert set(problems(leaving, "eu-west-1")) == {"fallbacks.0"}
