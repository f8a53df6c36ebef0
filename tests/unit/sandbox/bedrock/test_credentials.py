"""Who may ask: requests signed by the official client, or spoilt by hand."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import ClientSession
from botocore.exceptions import ClientError

from ag2trust_sandbox import EXAMPLE_KEY_PAIR, KeyPair, Sandbox, fingerprint, serving
from ag2trust_sandbox.bedrock.credentials import CredentialsCheck
from ag2trust_sandbox.bedrock.signature import (
    Authorization,
    SignedRequest,
    signature,
)
from ag2trust_sandbox.refusal import RefusalError

from .aws import runtime

HELLO = {"role": "user", "content": [{"text": "Hello!"}]}
MODEL = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude"
SESSION_PAIR = KeyPair("ASIAEXAMPLE", "secret/of+session", "token==")


async def ask(sandbox: Sandbox, key_pair: KeyPair) -> dict[str, Any]:
    with runtime(sandbox, key_pair=key_pair) as client:
        answer: dict[str, Any] = await asyncio.to_thread(
            lambda: client.converse(modelId=MODEL, messages=[HELLO])
        )
    return answer


async def refusal_of(sandbox: Sandbox, key_pair: KeyPair) -> str:
    with pytest.raises(ClientError) as refusal:
        await ask(sandbox, key_pair)
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    code: str = refusal.value.response["Error"]["Code"]
    return code


async def test_a_pair_that_is_accepted_may_ask(sandbox: Sandbox) -> None:
    answer = await ask(sandbox, EXAMPLE_KEY_PAIR)

    assert answer["stopReason"] == "end_turn"
    [request] = sandbox.requests
    assert "%3Aus-east-1%3A" in request.path
    assert "%2Fus.anthropic.claude/converse" in request.path


async def test_a_session_needs_its_own_token() -> None:
    async with serving(accepted_key_pairs=[SESSION_PAIR]) as sandbox:
        await ask(sandbox, SESSION_PAIR)

        assert await refusal_of(sandbox, replace(SESSION_PAIR, session_token=None)) == (
            "UnrecognizedClientException"
        )
        assert await refusal_of(sandbox, replace(SESSION_PAIR, session_token="x")) == (
            "UnrecognizedClientException"
        )


async def test_a_session_expires() -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    async with serving(
        accepted_key_pairs=[replace(SESSION_PAIR, expires_at=past)]
    ) as sandbox:
        assert await refusal_of(sandbox, SESSION_PAIR) == "ExpiredTokenException"


async def test_a_wrong_secret_makes_a_wrong_signature(sandbox: Sandbox) -> None:
    wrong = replace(EXAMPLE_KEY_PAIR, secret_access_key="wrong")

    assert await refusal_of(sandbox, wrong) == "InvalidSignatureException"


async def test_an_unknown_pair_is_unrecognized(sandbox: Sandbox) -> None:
    unknown = replace(EXAMPLE_KEY_PAIR, access_key_id="AKIAUNKNOWN")

    assert await refusal_of(sandbox, unknown) == "UnrecognizedClientException"


async def test_keys_are_shown_as_fingerprints() -> None:
    async with serving(accepted_key_pairs=[SESSION_PAIR]) as sandbox:
        await ask(sandbox, SESSION_PAIR)

        headers = sandbox.requests[0].headers

    assert headers["authorization"].startswith(
        f"AWS4-HMAC-SHA256 Credential={fingerprint('ASIAEXAMPLE')}/"
    )
    assert headers["x-amz-security-token"] == fingerprint("token==")


async def test_a_pair_shows_no_secret() -> None:
    shown = repr(SESSION_PAIR)

    assert "ASIAEXAMPLE" in shown
    assert "secret/of+session" not in shown
    assert "token==" not in shown


@pytest.mark.parametrize(
    ("authorization", "status", "name"),
    [
        ("Bearer right", 200, None),
        ("Bearer wrong", 403, "AccessDeniedException"),
        (None, 403, "MissingAuthenticationTokenException"),
        ("Basic right", 400, "IncompleteSignatureException"),
    ],
)
async def test_a_bearer_key_may_ask_too(
    authorization: str | None, status: int, name: str | None
) -> None:
    headers = {} if authorization is None else {"authorization": authorization}
    async with (
        serving(accepted_keys={"right"}) as sandbox,
        ClientSession(sandbox.bedrock_endpoint_url + "/", headers=headers) as session,
        session.post("model/m/converse", json={"messages": [HELLO]}) as response,
    ):
        assert response.status == status
        assert response.headers.get("x-amzn-errortype", "").partition(":")[0] == (
            name or ""
        )


NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CHECK = CredentialsCheck(
    key_pairs={EXAMPLE_KEY_PAIR.access_key_id: EXAMPLE_KEY_PAIR},
    accepts_key=lambda _: True,
)


def signed(
    *,
    scope: str = "20260102/eu-west-3/bedrock/aws4_request",
    signed_headers: str = "host;x-amz-date",
    **headers: str,
) -> SignedRequest:
    """Sign a request, rightly whatever it says."""
    request = SignedRequest(
        method="POST",
        path="/bedrock/model/m/invoke",
        query="",
        headers={"host": "127.0.0.1", "x-amz-date": "20260102T030405Z"}
        | {name.replace("_", "-"): value for name, value in headers.items()},
        body=b"{}",
    )
    start = (
        f"AWS4-HMAC-SHA256 Credential={EXAMPLE_KEY_PAIR.access_key_id}/{scope}, "
        f"SignedHeaders={signed_headers}, Signature="
    )
    right = signature(
        request,
        Authorization.parse(f"{start}0"),
        EXAMPLE_KEY_PAIR.secret_access_key,
    )
    return replace(request, headers={**request.headers, "authorization": start + right})


def test_a_right_signature_tells_the_region() -> None:
    assert CHECK.check(signed(), now=NOW) == "eu-west-3"


@pytest.mark.parametrize("minutes", [-5, 5])
def test_clocks_may_differ_by_five_minutes(minutes: int) -> None:
    CHECK.check(signed(), now=NOW + timedelta(minutes=minutes))


@pytest.mark.parametrize("seconds", [-301, 301])
def test_clocks_may_not_differ_by_more(seconds: int) -> None:
    with pytest.raises(RefusalError) as refusal:
        CHECK.check(signed(), now=NOW + timedelta(seconds=seconds))

    assert told(refusal.value) == (403, "InvalidSignatureException")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda request: replace(request, body=b"{ }"),
        lambda request: replace(request, method="PUT"),
        lambda request: replace(request, path="/bedrock/model/other/invoke"),
        lambda request: replace(request, query="a=1"),
        lambda request: replace(request, headers={**request.headers, "host": "other"}),
    ],
)
def test_what_was_changed_on_the_way_is_refused(
    spoil: Callable[[SignedRequest], SignedRequest],
) -> None:
    with pytest.raises(RefusalError) as refusal:
        CHECK.check(spoil(signed()), now=NOW)

    assert told(refusal.value) == (403, "InvalidSignatureException")


@pytest.mark.parametrize(
    ("spoilt", "problem"),
    [
        (signed(scope="20260102/eu-west-3/sts/aws4_request"), "service: 'bedrock'"),
        (signed(scope="20260101/eu-west-3/bedrock/aws4_request"), "does not match"),
        (signed(signed_headers="x-amz-date"), "must be signed: host"),
        (signed(x_amz_target="x"), "must be signed: x-amz-target"),
        (
            signed(
                x_amz_content_sha256="UNSIGNED-PAYLOAD",
                signed_headers="host;x-amz-content-sha256;x-amz-date",
            ),
            "not the hash of the body",
        ),
    ],
)
def test_a_right_signature_is_not_all(spoilt: SignedRequest, problem: str) -> None:
    with pytest.raises(RefusalError) as refusal:
        CHECK.check(spoilt, now=NOW)

    assert told(refusal.value) == (403, "InvalidSignatureException")
    assert problem in message(refusal.value)


@pytest.mark.parametrize("date", ["", "2026-01-02"])
def test_a_signature_says_when_it_was_made(date: str) -> None:
    with pytest.raises(RefusalError) as refusal:
        CHECK.check(signed(x_amz_date=date), now=NOW)

    assert told(refusal.value) == (400, "IncompleteSignatureException")


def told(refusal: RefusalError) -> tuple[int | None, str | None]:
    assert refusal.step.error is not None
    return refusal.step.status, refusal.step.error.type


def message(refusal: RefusalError) -> str:
    assert refusal.step.error is not None
    return refusal.step.error.message or ""
