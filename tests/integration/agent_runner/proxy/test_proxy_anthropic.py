"""Anthropic's format through the proxy: usage, errors, and who is let in."""

import json
from collections.abc import AsyncIterator

import anthropic
import pytest
from anthropic import AsyncAnthropic

from ag2trust_sandbox import ErrorDetail, Fault, Sandbox, Step, UsagePlace
from ag2trust_sandbox import Usage as Sent
from shared.contracts.credentials import ProviderType
from shared.contracts.metrics import CallStatus, Usage, UsageSource

from .proxying import KEY, MODEL, Answer, Proxy, lease_of

SENT = Sent(
    prompt_tokens=100,
    completion_tokens=50,
    cached_tokens=60,
    cache_write_tokens=30,
    long_cache_write_tokens=10,
    reasoning_tokens=20,
    extra={"service_tier": "priority"},
)
COUNTED = Usage(
    input_tokens=10,
    cached_input_tokens=60,
    cache_write_5m_tokens=20,
    cache_write_1h_tokens=10,
    output_tokens=50,
    reasoning_tokens=20,
    service_tier="priority",
    inference_geo="global",
)


@pytest.fixture(autouse=True)
def speaks_anthropic(proxy: Proxy, sandbox: Sandbox) -> None:
    proxy.move_to(
        lease_of(sandbox.anthropic_base_url, provider_type=ProviderType.ANTHROPIC)
    )


@pytest.fixture
async def client(proxy: Proxy) -> AsyncIterator[AsyncAnthropic]:
    async with AsyncAnthropic(
        base_url=proxy.anthropic_url, api_key=KEY, max_retries=0
    ) as opened:
        yield opened


async def said(client: AsyncAnthropic, *, is_streamed: bool = False) -> None:
    """Let the model answer, streamed or not, and read it to its end."""
    answer = await client.messages.create(
        model=MODEL,
        max_tokens=100,
        messages=[{"role": "user", "content": "Hi"}],
        stream=is_streamed,
    )
    if isinstance(answer, anthropic.AsyncStream):
        async for _ in answer:
            pass


async def ask(proxy: Proxy, path: str = "messages", **headers: str) -> Answer:
    body = {"model": MODEL, "max_tokens": 9, "messages": [], "stream": True}
    return await proxy.ask(
        f"/a/{proxy.agent.token}/anthropic/v1/{path}",
        json.dumps(body).encode(),
        headers=headers,
    )


def kind_of(answer: Answer) -> str:
    kind: str = json.loads(answer.body)["error"]["type"]
    return kind


@pytest.mark.parametrize(
    ("step", "counted", "source"),
    [
        (Step(content="x", usage=SENT), COUNTED, UsageSource.REPORTED),
        (
            Step(content="x", usage=SENT, usage_place=UsagePlace.LAST_CHOICE),
            COUNTED,
            UsageSource.REPORTED,
        ),
        (
            Step(content="x", usage=SENT, usage_place=UsagePlace.RUNNING),
            COUNTED,
            UsageSource.REPORTED,
        ),
        (
            Step(content="x", usage_place=UsagePlace.NOWHERE),
            Usage(),
            UsageSource.NONE,
        ),
        (Step(content="x", usage=Sent(prompt_tokens=-1)), Usage(), UsageSource.REFUSED),
    ],
)
@pytest.mark.parametrize("is_streamed", [False, True])
async def test_usage_is_counted_as_reported_or_not_at_all(
    *,
    proxy: Proxy,
    sandbox: Sandbox,
    client: AsyncAnthropic,
    step: Step,
    counted: Usage,
    source: UsageSource,
    is_streamed: bool,
) -> None:
    sandbox.play(step)

    await said(client, is_streamed=is_streamed)

    record = await proxy.settled_one()
    assert record.status is CallStatus.COMPLETED
    assert record.endpoint == "messages"
    assert record.provider_type is ProviderType.ANTHROPIC
    assert record.is_streamed is is_streamed
    assert (record.time_to_first_token_ms is not None) is is_streamed
    assert record.usage == counted
    assert record.usage_source is source


async def test_counting_tokens_costs_none(proxy: Proxy, client: AsyncAnthropic) -> None:
    counted = await client.messages.count_tokens(
        model=MODEL, messages=[{"role": "user", "content": "Hi"}]
    )

    record = await proxy.settled_one()
    assert counted.input_tokens > 0
    assert record.endpoint == "messages.count_tokens"
    assert record.usage == Usage(input_tokens=0, output_tokens=0)


async def test_what_is_beta_passes_untouched(
    client: AsyncAnthropic, sandbox: Sandbox
) -> None:
    await client.beta.messages.create(
        model=MODEL,
        max_tokens=10,
        messages=[{"role": "user", "content": "Hi"}],
        betas=["context-1m-2025-08-07"],
    )

    (received,) = sandbox.requests
    assert received.headers["anthropic-beta"] == "context-1m-2025-08-07"


async def test_the_provider_sees_its_key_alone_and_the_clients_version(
    client: AsyncAnthropic, sandbox: Sandbox
) -> None:
    await said(client)

    (received,) = sandbox.requests
    assert received.headers["x-api-key"] == KEY
    assert "authorization" not in received.headers
    assert received.headers["anthropic-version"] == "2026-10-21"


async def test_the_request_id_is_the_providers(
    proxy: Proxy, sandbox: Sandbox, client: AsyncAnthropic
) -> None:
    sandbox.play(Step(status=500, headers={"request-id": "req_of_anthropic"}))

    with pytest.raises(anthropic.InternalServerError) as failed:
        await said(client)

    assert failed.value.request_id == "req_of_anthropic"
    assert failed.value.response.headers["x-request-id"] == "req_of_anthropic"
    assert (await proxy.settled_one()).request_id == "req_of_anthropic"


async def test_an_error_inside_a_stream_is_raised_and_explained(
    proxy: Proxy, sandbox: Sandbox, client: AsyncAnthropic
) -> None:
    sandbox.play(
        Step(
            content=("a ", "b"),
            fault=Fault.ERROR_EVENT_AFTER_FRAMES,
            after_frames=5,
            error=ErrorDetail(code="server_is_overloaded"),
        )
    )

    with pytest.raises(anthropic.APIStatusError) as failed:
        await said(client, is_streamed=True)

    assert failed.value.type == "overloaded_error"
    record = await proxy.settled_one()
    assert record.status is CallStatus.FAILED
    assert record.explanation is not None
    assert record.explanation.code == "OVERLOADED"


@pytest.mark.parametrize(
    ("header", "key", "code"),
    [
        ("x-api-key", "sk-another", "CREDENTIAL_MISMATCH"),
        ("authorization", "Bearer sk-another", "CREDENTIAL_MISMATCH"),
        ("x-api-key", "", "CREDENTIAL_MISMATCH"),
    ],
)
async def test_a_key_that_was_not_given_to_this_agent_is_refused(
    proxy: Proxy, sandbox: Sandbox, header: str, key: str, code: str
) -> None:
    headers = {"Authorization": "", "x-api-key": "", header: key}

    answer = await ask(proxy, **headers)

    assert answer.status == 401
    assert kind_of(answer) == "authentication_error"
    assert answer.headers["x-ag2trust-error"] == code
    assert sandbox.request_count == 0


@pytest.mark.parametrize("older", [False, True])
async def test_a_token_stands_for_itself_wherever_an_sdk_puts_it(
    proxy: Proxy, sandbox: Sandbox, *, older: bool
) -> None:
    token = proxy.agent.token
    headers = {"X-Api-Key": token} if older else {"Authorization": f"Bearer {token}"}

    answer = await proxy.ask(
        "/anthropic/v1/messages",
        json.dumps(
            {
                "model": MODEL,
                "max_tokens": 9,
                "messages": [{"role": "user", "content": "Hi"}],
            }
        ).encode(),
        headers={"Authorization": "", "anthropic-version": "2023-06-01", **headers},
    )

    assert answer.status == 200
    assert sandbox.requests[0].headers["x-api-key"] == KEY


@pytest.mark.parametrize(
    "path", ["messages/batches", "files", "v1/messages", "complete"]
)
async def test_another_path_is_refused_in_anthropics_shape(
    proxy: Proxy, sandbox: Sandbox, path: str
) -> None:
    answer = await ask(proxy, path)

    assert answer.status == 403
    assert kind_of(answer) == "permission_error"
    assert answer.headers["x-ag2trust-error"] == "PATH_NOT_ALLOWED"
    assert sandbox.request_count == 0


async def test_the_format_of_another_provider_is_refused_in_the_paths_own(
    proxy: Proxy, sandbox: Sandbox, client: AsyncAnthropic
) -> None:
    proxy.move_to(lease_of(sandbox.base_url))

    with pytest.raises(anthropic.BadRequestError) as refused:
        await said(client)

    assert refused.value.response.headers["x-ag2trust-error"] == "WIRE_FORMAT_MISMATCH"
    assert refused.value.type == "invalid_request_error"
    assert sandbox.request_count == 0


async def test_the_models_are_those_of_the_agent_type(
    proxy: Proxy, sandbox: Sandbox, client: AsyncAnthropic
) -> None:
    proxy.allow("claude-opus-5-5", MODEL)

    listed = [each.id async for each in client.models.list()]

    assert listed == ["claude-opus-5-5", MODEL]
    assert sandbox.request_count == 0
    assert proxy.records() == []
