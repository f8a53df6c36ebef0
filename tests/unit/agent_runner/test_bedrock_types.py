"""Which models an agent type of a Bedrock provider may name."""

from typing import Any
from uuid import UUID

import pytest

from agent_runner.agents.bedrock_types import require_bedrock_models
from shared.contracts.agent_runner import AgentTypeSubmission
from shared.errors import InvalidError

SONNET = "anthropic.claude-3-5-sonnet-20241022-v2:0"
ELSEWHERE = f"arn:aws:bedrock:eu-west-1::foundation-model/{SONNET}"


def _type(model: str, allowed: list[str] | None = None) -> AgentTypeSubmission:
    return AgentTypeSubmission(
        name="Helper",
        slug="helper",
        provider_id=UUID(int=1),
        model=model,
        allowed_models=allowed,
    )


def _problems(submission: AgentTypeSubmission, region: str | None) -> Any:
    with pytest.raises(InvalidError) as raised:
        require_bedrock_models(submission, region=region)
    return raised.value.details["fields"]


@pytest.mark.parametrize(
    "model", [SONNET, f"us.{SONNET}", ELSEWHERE.replace("eu-west-1", "us-east-1")]
)
def test_models_of_bedrock_are_taken(model: str) -> None:
    require_bedrock_models(_type(model, [model, SONNET]), region="us-east-1")


def test_each_wrong_model_is_named_by_its_field() -> None:
    fields = _problems(_type("gpt-4o", [SONNET, "gpt-4o"]), "us-east-1")

    assert [each["field"] for each in fields] == ["model", "allowed_models.1"]
    assert all("anthropic." in each["message"] for each in fields)


def test_an_arn_of_another_region_is_refused() -> None:
    [field] = _problems(_type(ELSEWHERE), "us-east-1")

    assert (
        field["message"] == "is of the region eu-west-1; its provider is in us-east-1"
    )


def test_while_the_provider_has_no_region_any_will_do() -> None:
    require_bedrock_models(_type(ELSEWHERE), region=None)
