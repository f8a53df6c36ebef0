"""A provider as it answers on a wire, and every way in which it does not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from ag2trust_sandbox import (
    EXAMPLE_KEY_PAIR,
    ErrorCode,
    ErrorDetail,
    Fault,
    KeyPair,
    Sandbox,
    Step,
    fingerprint,
    serving,
)
from agent_runner.http.client import Client, connecting
from agent_runner.http.deadlines import watching_deadlines
from agent_runner.probes.calling import CallFailedError
from agent_runner.probes.live_provider import LiveProvider
from shared.clock import utc_now
from shared.contracts.base import Explanation
from shared.contracts.credentials import LeasedCredential, ProviderType
from shared.contracts.probes import LiveModels

from .leased import credential

TYPES = [*ProviderType]
KEY = "sk-a-key-of-the-sandbox-1234"
SESSION_PAIR = KeyPair("ASIAIOSFODNN7EXAMPLE", "secret-of-session", "token-of-session")
EXPIRED_PAIR = KeyPair(
    "ASIAIOSFODNN7EXPIRED",
    "secret-of-session",
    "token-of-session",
    datetime(2026, 1, 1, tzinfo=UTC),
)
PATIENCE = timedelta(seconds=0.5)
MODEL = "sandbox-echo"


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    pairs = (EXAMPLE_KEY_PAIR, SESSION_PAIR, EXPIRED_PAIR)
    async with serving(accepted_keys=[KEY], accepted_key_pairs=pairs) as provider:
        yield provider


@pytest_asyncio.fixture
async def client() -> AsyncIterator[Client]:
    async with (
        watching_deadlines() as deadlines,
        connecting(deadlines=deadlines, allow_private=True, silence=PATIENCE) as opened,
    ):
        yield opened


def leased(
    sandbox: Sandbox, provider_type: ProviderType, **secrets: str
) -> LeasedCredential:
    """Lease what opens the sandbox, or *secrets*."""
    match provider_type:
        case ProviderType.OPENAI:
            base_url = sandbox.base_url
        case ProviderType.ANTHROPIC:
            base_url = sandbox.anthropic_base_url
        case ProviderType.BEDROCK:
            base_url = sandbox.bedrock_endpoint_url
            secrets = secrets or pair_secrets(EXAMPLE_KEY_PAIR)
    return credential(provider_type, base_url, **(secrets or {"api_key": KEY}))


def pair_secrets(pair: KeyPair) -> dict[str, str]:
    secrets = {
        "aws_access_key_id": pair.access_key_id,
        "aws_secret_access_key": pair.secret_access_key,
        "aws_session_token": pair.session_token,
    }
    return {name: secret for name, secret in secrets.items() if secret}


def live(client: Client, credential: LeasedCredential) -> LiveProvider:
    return LiveProvider(client, credential, now=utc_now)


async def failure(
    client: Client, credential: LeasedCredential, model: str = MODEL
) -> Explanation:
    with pytest.raises(CallFailedError) as raised:
        await live(client, credential).latency_ms(model)
    assert raised.value.latency_ms >= 0
    return raised.value.explanation


@pytest.mark.parametrize("provider_type", TYPES)
async def test_a_few_tokens_of_a_model_are_all_that_a_call_costs(
    sandbox: Sandbox, client: Client, provider_type: ProviderType
) -> None:
    latency_ms = await live(client, leased(sandbox, provider_type)).latency_ms(MODEL)

    [request] = sandbox.requests
    assert latency_ms >= 0
    assert request.method == "POST"
    assert "Hi" in str(request.body)


@pytest.mark.parametrize("provider_type", [ProviderType.OPENAI, ProviderType.ANTHROPIC])
async def test_without_a_model_the_call_is_free(
    sandbox: Sandbox, client: Client, provider_type: ProviderType
) -> None:
    await live(client, leased(sandbox, provider_type)).latency_ms(None)

    [request] = sandbox.requests
    assert request.method == "GET"


@pytest.mark.parametrize(
    "secrets",
    [
        pair_secrets(EXAMPLE_KEY_PAIR),
        pair_secrets(SESSION_PAIR),
        {"api_key": KEY},
    ],
    ids=["key pair", "session", "bearer"],
)
async def test_bedrock_takes_every_kind_of_credential(
    sandbox: Sandbox, client: Client, secrets: dict[str, str]
) -> None:
    bedrock = leased(sandbox, ProviderType.BEDROCK, **secrets)

    await live(client, bedrock).latency_ms(MODEL)
    models = await live(client, bedrock).models("eu-west-1")

    assert MODEL in {each.id for each in models}


@pytest.mark.parametrize("provider_type", TYPES)
async def test_all_pages_of_the_models_are_listed(
    sandbox: Sandbox, client: Client, provider_type: ProviderType
) -> None:
    provider = live(client, leased(sandbox, provider_type))

    models = await provider.models("us-east-1")
    profiles = await provider.profiles("us-east-1")

    assert {MODEL, "sandbox-error-429"} <= {each.id for each in models}
    if provider_type is ProviderType.BEDROCK:
        assert profiles[0].regions == ["us-east-1", "us-west-2"]
    else:
        assert profiles == []


async def test_bedrock_is_asked_in_the_region_that_is_named(
    sandbox: Sandbox, client: Client
) -> None:
    provider = live(client, leased(sandbox, ProviderType.BEDROCK))

    [first, *_] = await provider.profiles("eu-central-1")

    assert first.regions == ["eu-central-1", "us-west-2"]


@asynccontextmanager
async def _endless(*, pause: float = 0) -> AsyncIterator[LeasedCredential]:
    """Lease a provider whose list of models has no last page."""
    pages = count(1)

    async def page(_: web.Request) -> web.Response:
        await asyncio.sleep(pause)
        name = f"model-{next(pages)}"
        body = {"data": [{"id": name}], "has_more": True, "last_id": name}
        return web.json_response(body)

    app = web.Application()
    app.router.add_get("/v1/models", page)
    async with TestServer(app) as server:
        base_url = str(server.make_url("")).rstrip("/")
        yield credential(ProviderType.ANTHROPIC, base_url, api_key=KEY)


async def test_a_list_without_end_is_cut(client: Client) -> None:
    async with _endless() as endless:
        models = await live(client, endless).models(None)

    assert [each.id for each in models] == [f"model-{n}" for n in range(1, 21)]


async def test_a_list_that_no_answer_can_carry_is_cut(client: Client) -> None:
    listed = [{"id": f"{n:04}{'é' * 290}", "owned_by": "é" * 300} for n in range(1500)]

    async def page(_: web.Request) -> web.Response:
        return web.json_response({"data": listed})

    app = web.Application()
    app.router.add_get("/v1/models", page)
    async with TestServer(app) as server:
        base_url = str(server.make_url("/v1"))
        long = credential(ProviderType.OPENAI, base_url, api_key=KEY)
        models = await live(client, long).models(None)

    told = LiveModels(data=models).model_dump_json().encode()
    assert [each.id[:4] for each in models] == [f"{n:04}" for n in range(len(models))]
    assert 900_000 < len(told) < 1024 * 1024 - 512


async def test_a_list_that_takes_too_long_is_given_up(client: Client) -> None:
    async with _endless(pause=0.1) as endless:
        hasty = LiveProvider(
            client, endless, now=utc_now, listed_within=timedelta(seconds=0.3)
        )

        with pytest.raises(CallFailedError) as raised:
            await hasty.models(None)

    assert raised.value.explanation.code == "TIMEOUT"


CODES = {
    ErrorCode.CONTEXT_LENGTH_EXCEEDED: "CONTEXT_TOO_LONG",
    ErrorCode.CONTENT_POLICY_VIOLATION: "CONTENT_FILTERED",
    ErrorCode.RATE_LIMIT_EXCEEDED: "RATE_LIMITED",
    ErrorCode.SLOW_DOWN: "RATE_LIMITED",
    ErrorCode.INSUFFICIENT_QUOTA: "QUOTA_EXHAUSTED",
    ErrorCode.SERVER_IS_OVERLOADED: "OVERLOADED",
    ErrorCode.MODEL_NOT_FOUND: "MODEL_NOT_AVAILABLE",
}


@pytest.mark.parametrize("provider_type", TYPES)
@pytest.mark.parametrize(("said", "code"), CODES.items())
async def test_what_a_provider_reports_is_explained(
    sandbox: Sandbox,
    client: Client,
    provider_type: ProviderType,
    said: ErrorCode,
    code: str,
) -> None:
    sandbox.play(Step(error=ErrorDetail(code=said)))

    explanation = await failure(client, leased(sandbox, provider_type))

    assert explanation.code == code
    assert explanation.provider_error
    assert explanation.message
    assert explanation.cause
    assert explanation.fix


@pytest.mark.parametrize(
    ("exception", "status", "code"),
    [
        ("AccessDeniedException", 403, "ACCESS_DENIED"),
        ("ValidationException", 400, "INVALID_REQUEST"),
        ("ResourceNotFoundException", 404, "MODEL_NOT_AVAILABLE"),
        ("ThrottlingException", 429, "RATE_LIMITED"),
        ("ModelTimeoutException", 408, "TIMEOUT"),
        ("ExpiredTokenException", 403, "CREDENTIALS_EXPIRED"),
        ("UnrecognizedClientException", 403, "INVALID_CREDENTIALS"),
        ("InternalServerException", 500, "PROVIDER_ERROR"),
    ],
)
async def test_bedrocks_own_names_are_kept(
    sandbox: Sandbox,
    client: Client,
    exception: str,
    status: int,
    code: str,
) -> None:
    sandbox.play(Step(status=status, error=ErrorDetail(type=exception, message="No.")))

    explanation = await failure(client, leased(sandbox, ProviderType.BEDROCK))

    assert (explanation.provider_error, explanation.code) == (exception, code)


@pytest.mark.parametrize(
    ("provider_type", "code"),
    [
        (ProviderType.OPENAI, "INVALID_API_KEY"),
        (ProviderType.ANTHROPIC, "INVALID_API_KEY"),
        (ProviderType.BEDROCK, "ACCESS_DENIED"),
    ],
)
async def test_a_wrong_key_is_explained(
    sandbox: Sandbox,
    client: Client,
    provider_type: ProviderType,
    code: str,
) -> None:
    wrong = leased(sandbox, provider_type, api_key="sk-a-wrong-key-1234")

    assert (await failure(client, wrong)).code == code


@pytest.mark.parametrize("provider_type", TYPES)
async def test_a_provider_that_repeats_the_key_is_masked(
    sandbox: Sandbox, client: Client, provider_type: ProviderType
) -> None:
    error = ErrorDetail(type=KEY, code=KEY, message=f"Incorrect key: {KEY}.")
    sandbox.play(Step(status=401, error=error))

    explanation = await failure(client, leased(sandbox, provider_type, api_key=KEY))

    assert KEY not in explanation.model_dump_json()
    assert "[secret]" in explanation.message


@pytest.mark.parametrize(
    ("pair", "code"),
    [
        (
            replace(EXAMPLE_KEY_PAIR, secret_access_key="another-secret"),
            "INVALID_CREDENTIALS",
        ),
        (replace(SESSION_PAIR, session_token="another-token"), "INVALID_CREDENTIALS"),
        (replace(SESSION_PAIR, session_token=None), "INVALID_CREDENTIALS"),
        (EXPIRED_PAIR, "CREDENTIALS_EXPIRED"),
    ],
)
async def test_a_wrong_or_expired_key_pair_is_explained(
    sandbox: Sandbox, client: Client, pair: KeyPair, code: str
) -> None:
    bedrock = leased(sandbox, ProviderType.BEDROCK, **pair_secrets(pair))

    explanation = await failure(client, bedrock)

    assert explanation.code == code
    assert pair.secret_access_key not in explanation.model_dump_json()


@pytest.mark.parametrize("provider_type", TYPES)
@pytest.mark.parametrize(
    ("step", "code"),
    [
        (Step(fault=Fault.HANG), "TIMEOUT"),
        (Step(fault=Fault.CUT_BEFORE_FIRST_BYTE), "UPSTREAM_UNREACHABLE"),
        (Step(fault=Fault.CUT_AFTER_FRAMES, after_frames=1), "STREAM_INTERRUPTED"),
        (Step(status=302, headers={"location": "/elsewhere"}), "REDIRECT_REFUSED"),
        (Step(raw_body="<html>Welcome</html>"), "ANSWER_NOT_UNDERSTOOD"),
        (Step(raw_body="x" * 9_000_000), "ANSWER_TOO_LARGE"),
        (Step(status=502, raw_body="<html>Bad gateway</html>"), "PROVIDER_ERROR"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
async def test_what_goes_wrong_on_the_way_is_explained(
    sandbox: Sandbox,
    client: Client,
    provider_type: ProviderType,
    step: Step,
    code: str,
) -> None:
    sandbox.play(step)

    explanation = await failure(client, leased(sandbox, provider_type))

    assert explanation.code == code


async def test_a_place_where_nothing_answers_is_explained(
    client: Client,
) -> None:
    nowhere = credential(ProviderType.OPENAI, "http://127.0.0.1:1/v1", api_key=KEY)

    assert (await failure(client, nowhere)).code == "UPSTREAM_UNREACHABLE"


@pytest.mark.parametrize(
    "base_url", ["http://127.0.0.1:1/v1", "http://169.254.169.254/v1"]
)
async def test_an_address_that_may_not_be_reached_is_not(base_url: str) -> None:
    inside = credential(ProviderType.OPENAI, base_url, api_key=KEY)

    async with (
        watching_deadlines() as deadlines,
        connecting(deadlines=deadlines, allow_private=False) as client,
    ):
        explanation = await failure(client, inside)

    assert explanation.code == "BASE_URL_FORBIDDEN"


async def test_the_key_is_sent_where_the_base_url_leads_and_nowhere_else(
    sandbox: Sandbox, client: Client
) -> None:
    async with serving() as elsewhere:
        leads = {"location": f"{elsewhere.base_url}/models"}
        sandbox.play(Step(status=307, headers=leads))
        await failure(client, leased(sandbox, ProviderType.OPENAI))

        assert elsewhere.requests == ()

    [request] = sandbox.requests
    assert request.headers["authorization"] == f"Bearer {fingerprint(KEY)}"
