"""Tests of providers and lists of their models, over HTTP, the bus and the wire."""

import asyncio
from typing import Any

import pytest

from ag2trust.operator import Operator
from ag2trust.testing import Stack
from ag2trust_sandbox import (
    EXAMPLE_KEY_PAIR,
    ErrorCode,
    ErrorDetail,
    Fault,
    Sandbox,
    Step,
    fingerprint,
)

pytestmark = pytest.mark.integration

KEY = "sk-a-key-of-the-sandbox-1234"
TYPES = ["openai", "anthropic", "bedrock"]
PROBE = {"model": "sandbox.echo"}


def _submission(sandbox: Sandbox, provider_type: str) -> dict[str, Any]:
    match provider_type:
        case "openai":
            way = {"base_url": sandbox.base_url, "api_key": KEY}
        case "anthropic":
            way = {"base_url": sandbox.anthropic_base_url, "api_key": KEY}
        case _:
            way = {
                "base_url": sandbox.bedrock_endpoint_url,
                "aws_region": "us-east-1",
                "aws_access_key_id": EXAMPLE_KEY_PAIR.access_key_id,
                "aws_secret_access_key": EXAMPLE_KEY_PAIR.secret_access_key,
            }
    return {"type": provider_type, **way}


async def _kept(operator: Operator, sandbox: Sandbox, provider_type: str) -> str:
    """Add a provider; return its path."""
    submission = _submission(sandbox, provider_type)
    provider = await operator.made("/api/providers", {"name": "p", **submission})
    return f"/api/providers/{provider['id']}"


async def _acts(operator: Operator) -> list[dict[str, Any]]:
    """List what the audit says of leases, oldest first."""
    entries = await operator.all_of("/api/audit")
    return [each for each in reversed(entries) if each["act"].startswith("lease.")]


@pytest.mark.parametrize("provider_type", TYPES)
async def test_a_provider_that_works_passes_its_test(
    operator: Operator, sandbox: Sandbox, provider_type: str
) -> None:
    path = await _kept(operator, sandbox, provider_type)

    result = await operator.made(f"{path}/test", PROBE)

    assert result["ok"]
    assert result["latency_ms"] >= 0
    assert result["explanation"] is None
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize("provider_type", TYPES)
async def test_a_provider_is_tested_before_it_is_added_and_kept_nowhere(
    operator: Operator, sandbox: Sandbox, stack: Stack, provider_type: str
) -> None:
    submission = _submission(sandbox, provider_type)

    result = await operator.made("/api/providers/test", submission | PROBE)

    superuser = await stack.connect()
    kept = await superuser.fetchval("SELECT count(*) FROM credentials.provider")
    await superuser.close()
    [granted] = await _acts(operator)
    assert result["ok"]
    assert kept == 0
    assert granted["act"] == "lease.granted"
    assert granted["actor"]["kind"] == "api_key"
    assert granted["details"]["purpose"] == "trial"
    assert granted["details"]["runner"] == "runner-1"


@pytest.mark.parametrize("provider_type", TYPES)
async def test_the_models_are_those_that_the_provider_lists_now(
    operator: Operator, sandbox: Sandbox, provider_type: str
) -> None:
    path = await _kept(operator, sandbox, provider_type)

    listed = await operator.ask("GET", f"{path}/models")

    assert listed.status == 200
    assert "sandbox-echo" in {each["id"] for each in listed.body["data"]}
    assert listed.body["region"] == (
        "us-east-1" if provider_type == "bedrock" else None
    )


async def test_bedrock_lists_the_models_and_profiles_of_another_region(
    operator: Operator, sandbox: Sandbox
) -> None:
    path = await _kept(operator, sandbox, "bedrock")

    listed = await operator.ask("GET", f"{path}/models?region=eu-central-1")

    [profile] = [
        each for each in listed.body["data"] if each["id"] == "us.sandbox-echo"
    ]
    assert listed.body["region"] == "eu-central-1"
    assert profile["regions"] == ["eu-central-1", "us-west-2"]


async def test_profiles_that_may_not_be_listed_are_missing_with_the_reason(
    operator: Operator, sandbox: Sandbox
) -> None:
    path = await _kept(operator, sandbox, "bedrock")
    sandbox.play(Step(), Step(status=403))

    listed = await operator.ask("GET", f"{path}/models")

    assert listed.status == 200
    assert listed.body["explanation"]["code"] == "ACCESS_DENIED"
    assert listed.body["explanation"]["provider_error"] == "AccessDeniedException"


async def test_bedrock_is_tested_with_a_model_that_agents_use(
    operator: Operator, sandbox: Sandbox
) -> None:
    path = await _kept(operator, sandbox, "bedrock")
    without = await operator.ask("POST", f"{path}/test")
    await operator.made(
        "/api/agent-types",
        {
            "name": "t",
            "slug": "t",
            "provider_id": path.rpartition("/")[2],
            "model": "anthropic.claude-3-5-sonnet-20241022-v2:0",
        },
    )

    with_one = await operator.made(f"{path}/test")

    assert without.status == 422
    assert without.body["details"]["fields"][0]["field"] == "model"
    assert with_one["ok"]
    assert "anthropic.claude-3-5-sonnet" in sandbox.requests[-1].path


@pytest.mark.parametrize("provider_type", TYPES)
@pytest.mark.parametrize(
    ("step", "code"),
    [
        (Step(error=ErrorDetail(code=ErrorCode.SERVER_IS_OVERLOADED)), "OVERLOADED"),
        (Step(error=ErrorDetail(code=ErrorCode.RATE_LIMIT_EXCEEDED)), "RATE_LIMITED"),
        # Twice: a GET is sent again over a fresh connection.
        (Step(fault=Fault.CUT_BEFORE_FIRST_BYTE, repeat=2), "UPSTREAM_UNREACHABLE"),
    ],
)
async def test_a_failure_comes_with_cause_and_fix(
    operator: Operator, sandbox: Sandbox, provider_type: str, step: Step, code: str
) -> None:
    path = await _kept(operator, sandbox, provider_type)
    trial = _submission(sandbox, provider_type) | PROBE
    told = []
    for ask in (
        operator.made(f"{path}/test", PROBE),
        operator.made("/api/providers/test", trial),
    ):
        sandbox.play(step)
        told.append(await ask)
    sandbox.play(step)
    listed = await operator.ask("GET", f"{path}/models")

    explanations = [each["explanation"] for each in told]
    explanations.append(listed.body["details"]["explanation"])
    assert not any(each["ok"] for each in told)
    assert (listed.status, listed.body["error_code"]) == (502, "PROVIDER_CALL_FAILED")
    for explanation in explanations:
        assert explanation["code"] == code
        assert explanation["cause"]
        assert explanation["fix"]


async def test_a_provider_that_is_not_whole_fails_its_test_without_a_call(
    operator: Operator, sandbox: Sandbox
) -> None:
    provider = await operator.made(
        "/api/providers",
        {
            "name": "p",
            "type": "openai",
            "base_url": sandbox.base_url,
            "allow_incomplete": True,
        },
    )
    path = f"/api/providers/{provider['id']}"

    result = await operator.made(f"{path}/test")
    listed = await operator.ask("GET", f"{path}/models")

    assert (result["ok"], result["latency_ms"]) == (False, None)
    assert result["explanation"]["code"] == "CREDENTIALS_MISSING"
    assert (listed.status, listed.body["error_code"]) == (409, "CREDENTIALS_MISSING")
    assert sandbox.requests == ()


async def test_while_all_is_frozen_no_provider_is_called(
    operator: Operator, sandbox: Sandbox
) -> None:
    path = await _kept(operator, sandbox, "openai")
    await operator.made("/api/master-key/freeze")

    kept = await operator.made(f"{path}/test")
    trial = await operator.made("/api/providers/test", _submission(sandbox, "openai"))

    assert kept["explanation"]["code"] == "CREDENTIALS_FROZEN"
    assert trial["explanation"]["code"] == "CREDENTIALS_FROZEN"
    assert sandbox.requests == ()


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"api_key": None}, "PROVIDER_INCOMPLETE", "api_key"),
        ({"api_key": None, "allow_incomplete": True}, "PROVIDER_INCOMPLETE", "api_key"),
        ({"base_url": "http://169.254.169.254/"}, "BASE_URL_FORBIDDEN", "base_url"),
        ({"surprise": 1}, "VALIDATION_FAILED", "surprise"),
        ({"type": "bedrock"}, "PROVIDER_INCOMPLETE", "aws_region"),
    ],
)
async def test_what_could_not_be_added_is_refused_on_trial_too(
    operator: Operator, sandbox: Sandbox, changes: dict[str, Any], code: str, field: str
) -> None:
    submission = _submission(sandbox, "openai") | changes

    refused = await operator.ask("POST", "/api/providers/test", submission)

    assert (refused.status, refused.body["error_code"]) == (422, code)
    assert refused.body["details"]["fields"][0]["field"] == field
    assert await _acts(operator) == []
    assert sandbox.requests == ()


async def test_what_is_asked_wrongly_is_refused(
    operator: Operator, sandbox: Sandbox
) -> None:
    path = await _kept(operator, sandbox, "openai")
    bedrock = _submission(sandbox, "bedrock")
    nobody = "/api/providers/01900000-0000-7000-8000-000000000001"

    answers = [
        await operator.ask("GET", f"{path}/models?region=us-east-1"),
        await operator.ask("GET", f"{path}/models?region=us-east-1.evil.example"),
        await operator.ask("POST", f"{path}/test", {"model": ""}),
        await operator.ask("POST", "/api/providers/test", bedrock),
        await operator.ask("POST", "/api/providers/test", bedrock | {"model": "x"}),
        await operator.ask("POST", f"{nobody}/test", {}),
        await operator.ask("GET", f"{nobody}/models"),
    ]

    assert [each.status for each in answers] == [422, 422, 422, 422, 422, 404, 404]
    assert {each.body["error_code"] for each in answers} == {
        "VALIDATION_FAILED",
        "PROVIDER_NOT_FOUND",
    }
    assert sandbox.requests == ()


async def test_tests_at_once_are_a_call_and_a_lease_each(
    operator: Operator, sandbox: Sandbox
) -> None:
    path = await _kept(operator, sandbox, "openai")

    results = await asyncio.gather(
        *(operator.made(f"{path}/test", PROBE) for _ in range(10))
    )

    assert all(each["ok"] for each in results)
    assert len(sandbox.requests) == 10
    assert len(await _acts(operator)) == 10


async def test_the_keys_in_use_are_the_providers_own(
    operator: Operator, sandbox: Sandbox
) -> None:
    path = await _kept(operator, sandbox, "anthropic")

    await operator.made(f"{path}/test", PROBE)

    assert sandbox.requests[0].headers["x-api-key"] == fingerprint(KEY)
