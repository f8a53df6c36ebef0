from typing import Any

import pytest
from aiohttp import ClientSession

from shared.contracts.agent_types import MODELS_IN_USE, ModelsInUse
from shared.contracts.credentials import (
    GET_PROVIDER,
    CredentialState,
    Provider,
    ProviderType,
)

from .fakes import Neighbours
from .objects import ORGANIZATION, PROVIDER, SOME_ID

PATH = f"/api/providers/{SOME_ID}/iam-policy"
SONNET = "anthropic.claude-3-5-sonnet-20241022-v2:0"
ROLE = "arn:aws:iam::123456789012:role/bedrock"


def _bedrock(**changes: Any) -> Provider:
    fields = {
        "type": ProviderType.BEDROCK,
        "aws_region": "us-east-1",
        "credential": CredentialState(version=1, fields=["aws_access_key_id"]),
    }
    return PROVIDER.model_copy(update=fields | changes)


async def _told(client: ClientSession, path: str = PATH) -> Any:
    async with client.get(path) as response:
        assert response.status == 200
        return await response.json()


async def test_the_policy_is_for_the_models_in_use(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(GET_PROVIDER, _bedrock())
    neighbours.answer(MODELS_IN_USE, ModelsInUse(models=[SONNET]))

    told = await _told(client)

    assert told["models"] == [SONNET]
    assert told["policy"]["Version"] == "2012-10-17"
    assert told["policy"]["Statement"][0] == {
        "Sid": "Models",
        "Effect": "Allow",
        "Action": [
            "bedrock:InvokeModel",
            "bedrock:InvokeModelWithResponseStream",
        ],
        "Resource": [f"arn:aws:bedrock:us-east-1::foundation-model/{SONNET}"],
    }
    assert told["optional_statements"] == [told["policy"]["Statement"][-1]["Sid"]]
    assert told["notes"] == []
    question = neighbours.question(MODELS_IN_USE)
    assert (question.org_id, question.provider_id) == (ORGANIZATION, SOME_ID)


async def test_models_of_the_query_come_before_those_in_use(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(GET_PROVIDER, _bedrock())

    told = await _told(
        client, f"{PATH}?models=us.{SONNET},%20{SONNET}&account=111122223333"
    )

    assert told["models"] == [SONNET, f"us.{SONNET}"]
    assert "111122223333:inference-profile" in str(told["policy"])
    assert [note.split()[0] for note in told["notes"]] == ["The"]


async def test_the_account_of_a_role_is_known(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(GET_PROVIDER, _bedrock(aws_role_arn=ROLE))
    neighbours.answer(MODELS_IN_USE, ModelsInUse(models=[f"us.{SONNET}"]))

    told = await _told(client)

    assert "us-east-1:123456789012:inference-profile" in str(told["policy"])


async def test_a_bearer_key_needs_one_action_more(
    client: ClientSession, neighbours: Neighbours
) -> None:
    bearer = CredentialState(version=1, fields=["api_key"])
    neighbours.answer(GET_PROVIDER, _bedrock(credential=bearer))
    neighbours.answer(MODELS_IN_USE, ModelsInUse(models=[SONNET]))

    assert "bedrock:CallWithBearerToken" in str((await _told(client))["policy"])


async def test_without_agent_types_every_model_is_allowed_and_that_is_said(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(GET_PROVIDER, _bedrock())
    neighbours.answer(MODELS_IN_USE, ModelsInUse(models=[]))

    told = await _told(client)

    assert told["models"] == []
    assert len(told["notes"]) == 2
    assert "every model" in told["notes"][0]


@pytest.mark.parametrize(
    ("provider", "query"),
    [
        (PROVIDER, ""),
        (_bedrock(aws_region=None), ""),
        (_bedrock(), "?models=gpt-4o"),
        (_bedrock(), "?account=12"),
        (_bedrock(), "?colour=red"),
    ],
)
async def test_what_has_no_policy_is_refused(
    client: ClientSession, neighbours: Neighbours, provider: Provider, query: str
) -> None:
    neighbours.answer(GET_PROVIDER, provider)
    neighbours.answer(MODELS_IN_USE, ModelsInUse(models=[]))

    async with client.get(PATH + query) as response:
        body = await response.json()

    assert response.status == 422
    assert body["error_code"] == "VALIDATION_FAILED"
    assert body["error"]
