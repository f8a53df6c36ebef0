"""Providers tried from outside, through every process of a running stack."""

import pytest

from ag2trust_sandbox import (
    EXAMPLE_KEY_PAIR,
    ErrorCode,
    ErrorDetail,
    Sandbox,
    Step,
)

from .whole import Whole

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]


@pytest.fixture(scope="module")
def runtime() -> str:
    return "process"


async def test_a_provider_is_tried_added_tested_and_asked_for_its_models(
    whole: Whole, sandbox: Sandbox, provider_key: str
) -> None:
    operator = whole.operator
    submission = {
        "type": "bedrock",
        "base_url": sandbox.bedrock_endpoint_url,
        "aws_region": "eu-central-1",
        "aws_access_key_id": EXAMPLE_KEY_PAIR.access_key_id,
        "aws_secret_access_key": EXAMPLE_KEY_PAIR.secret_access_key,
    }
    wrong = {"aws_secret_access_key": provider_key}
    model = {"model": "us.sandbox.echo"}

    failed = await operator.made("/api/providers/test", submission | wrong | model)
    tried = await operator.made("/api/providers/test", submission | model)
    added = await operator.made("/api/providers", {"name": "bedrock", **submission})
    path = f"/api/providers/{added['id']}"
    tested = await operator.made(f"{path}/test", model)
    listed = await operator.ask("GET", f"{path}/models")
    sandbox.play(Step(error=ErrorDetail(code=ErrorCode.RATE_LIMIT_EXCEEDED)))
    throttled = await operator.made(f"{path}/test", model)

    assert failed["explanation"]["code"] == "INVALID_CREDENTIALS"
    assert failed["explanation"]["provider_error"] == "InvalidSignatureException"
    assert (tried["ok"], tested["ok"]) == (True, True)
    assert "us.sandbox-echo" in {each["id"] for each in listed.body["data"]}
    assert listed.body["region"] == "eu-central-1"
    assert throttled["explanation"]["provider_error"] == "ThrottlingException"
    assert throttled["explanation"]["retryable"]
