import asyncio
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ag2trust_sandbox import Sandbox, Step

from .aws import runtime


async def listed(sandbox: Sandbox, region: str) -> list[dict[str, Any]]:
    with runtime(sandbox, service="bedrock", region=region) as client:
        answer = await asyncio.to_thread(client.list_foundation_models)
    summaries: list[dict[str, Any]] = answer["modelSummaries"]
    return summaries


async def test_the_list_names_the_sandbox_its_models_and_the_region(
    sandbox: Sandbox,
) -> None:
    models = await listed(sandbox, "eu-central-1")

    assert {model["providerName"] for model in models} == {"ag2trust-sandbox"}
    assert {"sandbox-echo", "sandbox-error-429"} <= {
        model["modelId"] for model in models
    }
    assert models[0]["modelArn"] == (
        f"arn:aws:bedrock:eu-central-1::foundation-model/{models[0]['modelId']}"
    )


async def test_a_model_is_found_whatever_it_would_answer(sandbox: Sandbox) -> None:
    with runtime(sandbox, service="bedrock") as client:
        answer = await asyncio.to_thread(
            lambda: client.get_foundation_model(modelIdentifier="sandbox-error-500")
        )

    assert answer["modelDetails"]["modelId"] == "sandbox-error-500"
    assert answer["modelDetails"]["modelLifecycle"] == {"status": "ACTIVE"}


async def test_a_missing_model_is_not_found(sandbox: Sandbox) -> None:
    with (
        runtime(sandbox, service="bedrock") as client,
        pytest.raises(client.exceptions.ResourceNotFoundException),
    ):
        await asyncio.to_thread(
            lambda: client.get_foundation_model(modelIdentifier="missing-model")
        )


async def test_profiles_come_in_pages_and_name_the_regions_they_lead_to(
    sandbox: Sandbox,
) -> None:
    with runtime(sandbox, service="bedrock", region="us-east-1") as client:
        pages = await asyncio.to_thread(
            lambda: [
                *client.get_paginator("list_inference_profiles").paginate(
                    PaginationConfig={"PageSize": 4}
                )
            ]
        )

    profiles = [each for page in pages for each in page["inferenceProfileSummaries"]]
    assert len(pages) > 1
    assert len({each["inferenceProfileId"] for each in profiles}) == len(profiles)
    assert [each["modelArn"].split(":")[3] for each in profiles[0]["models"]] == [
        "us-east-1",
        "us-west-2",
    ]


async def test_a_script_answers_the_list_too(sandbox: Sandbox) -> None:
    sandbox.play(Step(status=403))

    with pytest.raises(ClientError, match="AccessDeniedException"):
        await listed(sandbox, "us-east-1")
