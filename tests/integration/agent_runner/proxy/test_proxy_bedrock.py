"""Bedrock's format through the proxy: signatures, usage, errors, and who is let in."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from anthropic import AnthropicBedrock, AsyncAnthropicBedrock
from botocore.exceptions import ClientError, EventStreamError
from urllib3.exceptions import ProtocolError

from ag2trust_sandbox import (
    EXAMPLE_KEY_PAIR,
    ErrorDetail,
    Fault,
    KeyPair,
    Sandbox,
    Step,
    UsagePlace,
    serving,
)
from ag2trust_sandbox import Usage as Sent
from shared.contracts.credentials import ProviderType
from shared.contracts.metrics import CallStatus, Usage, UsageSource

from .clients import (
    CLAUDE,
    PAIR,
    bedrock_client,
    bedrock_lease,
    converse_streamed,
    conversed,
    in_thread,
    invoke_streamed,
    invoked,
)
from .proxying import Proxy, lease_of

LLAMA = "meta.llama3-70b-instruct-v1:0"
TITAN = "amazon.titan-text-express-v1"
EMBED = "amazon.titan-embed-text-v2:0"
PROFILE = (
    "arn:aws:bedrock:us-east-1:123456789012:inference-profile/"
    "us.anthropic.claude-sonnet-4-20250514-v1:0"
)
SENT = Sent(
    prompt_tokens=100,
    completion_tokens=50,
    cached_tokens=60,
    cache_write_tokens=30,
    long_cache_write_tokens=10,
)
PLAIN = Sent(prompt_tokens=100, completion_tokens=50)
SPLIT = Usage(
    input_tokens=10,
    cached_input_tokens=60,
    cache_write_5m_tokens=20,
    cache_write_1h_tokens=10,
    output_tokens=50,
)

Call = Callable[[Any], Awaitable[Any]]


@pytest.fixture(autouse=True)
def speaks_bedrock(proxy: Proxy, sandbox: Sandbox) -> None:
    proxy.move_to(bedrock_lease(sandbox))
    proxy.allow(CLAUDE, LLAMA, TITAN, EMBED, PROFILE)


@pytest.fixture
def client(proxy: Proxy) -> Iterator[Any]:
    with bedrock_client(proxy) as opened:
        yield opened


CALLS = [
    pytest.param(conversed, "converse", id="converse"),
    pytest.param(converse_streamed, "converse-stream", id="converse-stream"),
    pytest.param(invoked, "invoke", id="invoke"),
    pytest.param(invoke_streamed, "invoke-with-response-stream", id="invoke-stream"),
]


@pytest.mark.parametrize(("call", "endpoint"), CALLS)
@pytest.mark.parametrize("place", [UsagePlace.OWN_CHUNK, UsagePlace.LAST_CHOICE])
async def test_every_operation_counts_every_kind_of_token(
    *,
    proxy: Proxy,
    sandbox: Sandbox,
    client: Any,
    call: Call,
    endpoint: str,
    place: UsagePlace,
) -> None:
    sandbox.play(Step(content="one two", usage=SENT, usage_place=place))

    await call(client)

    record = await proxy.settled_one()
    assert record.status is CallStatus.COMPLETED
    assert record.endpoint == endpoint
    assert record.model == CLAUDE
    assert record.provider_type is ProviderType.BEDROCK
    assert record.is_streamed is endpoint.endswith("stream")
    assert (record.time_to_first_token_ms is not None) is record.is_streamed
    told = record.usage.model_copy(
        update={"service_tier": None, "inference_geo": None, "reasoning_tokens": None}
    )
    assert told == SPLIT


@pytest.mark.parametrize(("call", "_"), CALLS)
@pytest.mark.parametrize(
    ("step", "source"),
    [
        (Step(content="x", usage_place=UsagePlace.NOWHERE), UsageSource.NONE),
        (Step(content="x", usage=Sent(prompt_tokens=-1)), UsageSource.REFUSED),
    ],
)
async def test_what_is_not_reported_or_absurd_is_not_counted(
    *,
    proxy: Proxy,
    sandbox: Sandbox,
    client: Any,
    call: Call,
    _: str,
    step: Step,
    source: UsageSource,
) -> None:
    sandbox.play(step)

    await call(client)

    record = await proxy.settled_one()
    assert record.status is CallStatus.COMPLETED
    assert record.usage == Usage()
    assert record.usage_source is source


@pytest.mark.parametrize("is_streamed", [False, True])
@pytest.mark.parametrize("place", [UsagePlace.OWN_CHUNK, UsagePlace.LAST_CHOICE])
@pytest.mark.parametrize(
    ("model", "body", "expected"),
    [
        (LLAMA, {"prompt": "Hi"}, (100, 50)),
        (TITAN, {"inputText": "Hi"}, (100, 50)),
    ],
)
async def test_every_family_is_counted_by_bedrock_or_by_itself(
    *,
    proxy: Proxy,
    sandbox: Sandbox,
    client: Any,
    model: str,
    body: dict[str, Any],
    expected: tuple[int, int],
    place: UsagePlace,
    is_streamed: bool,
) -> None:
    sandbox.play(Step(content="one two", usage=PLAIN, usage_place=place))

    await (invoke_streamed if is_streamed else invoked)(client, body, model)

    usage = (await proxy.settled_one()).usage
    assert (usage.input_tokens, usage.output_tokens) == expected


async def test_an_embedding_is_counted(proxy: Proxy, client: Any) -> None:
    await invoked(client, {"inputText": "Hello there"}, EMBED)

    usage = (await proxy.settled_one()).usage
    assert usage.input_tokens is not None
    assert usage.input_tokens > 0


async def test_the_provider_sees_its_own_signature_alone(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    token = proxy.agent.token
    keys = {
        "aws_access_key_id": token,
        "aws_secret_access_key": token,
        "aws_session_token": "of-the-agent",
    }
    with bedrock_client(proxy, keys=keys, path="/bedrock") as client:
        await conversed(client)

    (received,) = sandbox.requests
    assert EXAMPLE_KEY_PAIR.access_key_id in received.headers["authorization"]
    assert "x-amz-security-token" not in received.headers
    assert token not in str(received.headers)
    assert "amz-sdk-invocation-id" in received.headers


async def test_temporary_keys_go_out_with_their_token(
    proxy: Proxy,
) -> None:
    pair = KeyPair("ASIATEMPORARY", "its-secret", "its-token")
    async with serving(accepted_key_pairs=[pair]) as provider:
        fields = {
            "aws_access_key_id": pair.access_key_id,
            "aws_secret_access_key": pair.secret_access_key,
            "aws_session_token": "its-token",
        }
        proxy.move_to(bedrock_lease(provider, fields=fields))
        with bedrock_client(proxy, keys=fields) as client:
            answer = await conversed(client)

    assert answer["stopReason"] == "end_turn"


async def test_a_bearer_key_is_sent_as_one(proxy: Proxy, sandbox: Sandbox) -> None:
    proxy.move_to(bedrock_lease(sandbox, fields={"api_key": "ABSK-bearer"}))
    token = proxy.agent.token
    keys = {"aws_access_key_id": token, "aws_secret_access_key": token}

    with bedrock_client(proxy, keys=keys, path="/bedrock") as client:
        await conversed(client)

    assert sandbox.requests[0].headers["authorization"] == "Bearer ABSK-bearer"


async def test_renewed_keys_sign_and_the_old_ones_still_identify(
    proxy: Proxy, client: Any
) -> None:
    delivered = proxy.agent.delivered
    pair = KeyPair("AKIARENEWED", "renewed")
    async with serving(accepted_key_pairs=[pair]) as provider:
        proxy.move_to(
            bedrock_lease(
                provider,
                fields={
                    "aws_access_key_id": pair.access_key_id,
                    "aws_secret_access_key": pair.secret_access_key,
                },
            )
        )
        proxy.agent.delivered = delivered
        answer = await conversed(client)

    assert answer["stopReason"] == "end_turn"


@pytest.mark.parametrize(
    ("path", "key_id", "code"),
    [
        (None, "AKIAANOTHER", "CREDENTIAL_MISMATCH"),
        ("/bedrock", "agt_unknown", "INVALID_AGENT_TOKEN"),
    ],
)
async def test_a_key_that_was_not_given_is_refused_once(
    proxy: Proxy, sandbox: Sandbox, path: str | None, key_id: str, code: str
) -> None:
    keys = {"aws_access_key_id": key_id, "aws_secret_access_key": "x"}
    with (
        bedrock_client(proxy, keys=keys, path=path, attempts=3) as client,
        pytest.raises(ClientError) as refused,
    ):
        await conversed(client)

    told = refused.value.response["ResponseMetadata"]
    assert refused.value.response["Error"]["Code"] == "UnrecognizedClientException"
    assert told["HTTPHeaders"]["x-ag2trust-error"] == code
    assert told["RetryAttempts"] == 0
    assert sandbox.request_count == 0


async def test_a_model_outside_the_list_is_refused_once(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    proxy.allow(LLAMA)
    with (
        bedrock_client(proxy, attempts=3) as client,
        pytest.raises(client.exceptions.AccessDeniedException) as refused,
    ):
        await conversed(client)

    told = refused.value.response["ResponseMetadata"]
    assert told["HTTPHeaders"]["x-ag2trust-error"] == "MODEL_NOT_ALLOWED"
    assert told["HTTPHeaders"]["x-ag2trust-attempts"] == "0"
    assert told["RetryAttempts"] == 0
    assert sandbox.request_count == 0
    assert proxy.records() == []


async def test_a_profile_is_named_by_its_arn(
    proxy: Proxy, sandbox: Sandbox, client: Any
) -> None:
    await conversed(client, modelId=PROFILE)

    assert sandbox.requests[0].path.endswith(
        "inference-profile%2Fus.anthropic.claude-sonnet-4-20250514-v1%3A0/converse"
    )
    assert (await proxy.settled_one()).model == PROFILE


async def test_the_format_of_another_provider_is_refused_in_the_paths_own(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    proxy.move_to(lease_of(sandbox.base_url))
    token = proxy.agent.token
    keys = {"aws_access_key_id": token, "aws_secret_access_key": token}
    with (
        bedrock_client(proxy, keys=keys, path="/bedrock", attempts=3) as client,
        pytest.raises(client.exceptions.ValidationException) as refused,
    ):
        await conversed(client)

    told = refused.value.response["ResponseMetadata"]
    assert told["HTTPHeaders"]["x-ag2trust-error"] == "WIRE_FORMAT_MISMATCH"
    assert told["RetryAttempts"] == 0


@pytest.mark.parametrize(
    ("step", "exception", "code"),
    [
        (
            Step(error=ErrorDetail(code="context_length_exceeded")),
            "ValidationException",
            "CONTEXT_TOO_LONG",
        ),
        (Step(status=403), "AccessDeniedException", "ACCESS_DENIED"),
        (Step(status=404), "ResourceNotFoundException", "MODEL_NOT_AVAILABLE"),
        (Step(status=408), "ModelTimeoutException", "TIMEOUT"),
        (Step(status=424), "ModelErrorException", "PROVIDER_ERROR"),
        (Step(status=429), "ThrottlingException", "RATE_LIMITED"),
        (Step(status=500), "InternalServerException", "PROVIDER_ERROR"),
        (Step(status=503), "ServiceUnavailableException", "OVERLOADED"),
        (
            Step(status=403, error=ErrorDetail(type="ExpiredTokenException")),
            "ExpiredTokenException",
            "CREDENTIALS_EXPIRED",
        ),
    ],
)
@pytest.mark.parametrize(("call", "_"), CALLS)
async def test_boto3_raises_what_it_raises_without_us(
    *,
    proxy: Proxy,
    sandbox: Sandbox,
    client: Any,
    call: Call,
    _: str,
    step: Step,
    exception: str,
    code: str,
) -> None:
    sandbox.play(step)

    with pytest.raises(ClientError) as raised:
        await call(client)

    assert raised.value.response["Error"]["Code"] == exception
    record = await proxy.settled_one()
    assert record.status is CallStatus.FAILED
    assert record.explanation is not None
    assert record.explanation.code == code
    assert record.explanation.provider_error == exception
    told = raised.value.response["ResponseMetadata"]
    assert told["RequestId"] == record.request_id


@pytest.mark.parametrize("call", [converse_streamed, invoke_streamed])
async def test_an_exception_inside_a_stream_is_raised_and_explained(
    proxy: Proxy, sandbox: Sandbox, client: Any, call: Call
) -> None:
    sandbox.play(
        Step(
            content="a b c",
            fault=Fault.ERROR_EVENT_AFTER_FRAMES,
            after_frames=3,
            error=ErrorDetail(code="rate_limit_exceeded"),
        )
    )

    with pytest.raises(EventStreamError) as raised:
        await call(client)

    assert raised.value.response["Error"]["Code"] == "throttlingException"
    record = await proxy.settled_one()
    assert record.status is CallStatus.FAILED
    assert record.explanation is not None
    assert record.explanation.code == "RATE_LIMITED"
    assert record.explanation.provider_error == "ThrottlingException"


@pytest.mark.parametrize("call", [converse_streamed, invoke_streamed])
async def test_a_cut_stream_raises_in_the_client(
    proxy: Proxy, sandbox: Sandbox, client: Any, call: Call
) -> None:
    sandbox.play(Step(content="a b c", fault=Fault.CUT_AFTER_FRAMES, after_frames=3))

    with pytest.raises(ProtocolError):
        await call(client)

    record = await proxy.settled_one()
    assert record.status is CallStatus.FAILED
    assert record.explanation is not None
    assert record.explanation.code == "STREAM_INTERRUPTED"


async def test_a_redirect_is_not_tried_again(proxy: Proxy, sandbox: Sandbox) -> None:
    sandbox.play(Step(status=307, headers={"location": "http://127.0.0.1:1/"}))
    with (
        bedrock_client(proxy, attempts=3) as client,
        pytest.raises(ClientError) as raised,
    ):
        await conversed(client)

    told = raised.value.response["ResponseMetadata"]
    assert told["HTTPHeaders"]["x-ag2trust-error"] == "REDIRECT_REFUSED"
    assert told["RetryAttempts"] == 0
    assert sandbox.request_count == 1


@pytest.mark.parametrize("is_async", [False, True])
async def test_anthropics_own_client_of_bedrock_works(
    proxy: Proxy, sandbox: Sandbox, *, is_async: bool
) -> None:
    given: dict[str, Any] = {
        "base_url": proxy.bedrock_url,
        "aws_access_key": PAIR["aws_access_key_id"],
        "aws_secret_key": PAIR["aws_secret_access_key"],
        "aws_region": "us-east-1",
        "max_retries": 0,
    }
    asked: dict[str, Any] = {
        "model": CLAUDE,
        "max_tokens": 50,
        "messages": [{"role": "user", "content": "Hi"}],
    }

    if is_async:
        async with AsyncAnthropicBedrock(**given) as client:
            answer = await client.messages.create(**asked)
    else:
        with AnthropicBedrock(**given) as blocking:
            answer = await in_thread(lambda: blocking.messages.create(**asked))

    assert answer.stop_reason == "end_turn"
    assert sandbox.request_count == 1
