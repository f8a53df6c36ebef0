"""What is counted of calls that did not end well, and under which labels."""

import json
from contextlib import closing, suppress
from typing import Any

import anthropic
import httpx2
import openai
import pytest
from anthropic import AsyncAnthropic
from botocore.exceptions import ClientError, EventStreamError, HTTPClientError
from urllib3.exceptions import ProtocolError

from ag2trust_sandbox import ErrorDetail, Fault, Sandbox, Step
from ag2trust_sandbox import Usage as Sent
from shared.contracts.credentials import ProviderType
from shared.contracts.metrics import CallRecord, CallStatus, Usage, UsageSource

from .clients import (
    CLAUDE,
    bedrock_client,
    bedrock_lease,
    converse_streamed,
    conversed,
    in_thread,
    invoke_streamed,
    invoked,
)
from .proxying import HELLO, KEY, MODEL, Proxy, lease_of

WORDS = tuple(f"word{number} " for number in range(20))
SENT = Sent(prompt_tokens=1000, completion_tokens=500)
CUT = Step(content=WORDS, usage=SENT, fault=Fault.CUT_AFTER_FRAMES, after_frames=15)
FAILED = Step(
    content=WORDS,
    usage=SENT,
    fault=Fault.ERROR_EVENT_AFTER_FRAMES,
    after_frames=15,
    error=ErrorDetail(code="server_is_overloaded"),
)
HANGING = Step(content=WORDS, usage=SENT, fault=Fault.HANG, after_frames=15)


async def chat(proxy: Proxy, *, leaves: bool = False) -> None:
    stream = await proxy.client().chat.completions.create(
        model=MODEL, messages=[HELLO], stream=True
    )
    async with stream:
        async for chunk in stream:
            if leaves and chunk.choices[0].delta.content == WORDS[5]:
                return


async def message(proxy: Proxy, *, leaves: bool = False) -> None:
    async with AsyncAnthropic(
        base_url=proxy.anthropic_url, api_key=KEY, max_retries=0
    ) as client:
        stream = await client.messages.create(
            model=MODEL,
            max_tokens=1000,
            messages=[{"role": "user", "content": "Hi"}],
            stream=True,
        )
        async with stream:
            async for event in stream:
                if leaves and event.type == "content_block_delta":
                    return


async def conversation(proxy: Proxy, *, leaves: bool = False) -> None:
    with bedrock_client(proxy) as client:
        if not leaves:
            await converse_streamed(client, modelId=MODEL)
            return

        def leave() -> None:
            messages = [{"role": "user", "content": [{"text": "Hi"}]}]
            answer = client.converse_stream(modelId=MODEL, messages=messages)
            with closing(answer["stream"]) as stream:
                for event in stream:
                    if "contentBlockDelta" in event:
                        return

        await in_thread(leave)


def become(proxy: Proxy, sandbox: Sandbox, provider_type: ProviderType) -> None:
    match provider_type:
        case ProviderType.OPENAI:
            proxy.move_to(lease_of(sandbox.base_url))
        case ProviderType.ANTHROPIC:
            url = sandbox.anthropic_base_url
            proxy.move_to(lease_of(url, provider_type=provider_type))
        case ProviderType.BEDROCK:
            proxy.move_to(bedrock_lease(sandbox))


FORMATS = [
    (ProviderType.OPENAI, chat),
    (ProviderType.ANTHROPIC, message),
    (ProviderType.BEDROCK, conversation),
]
_BREAKS = (
    openai.APIError,
    anthropic.APIError,
    httpx2.HTTPError,
    ClientError,
    EventStreamError,
    HTTPClientError,
    ProtocolError,
)


def is_estimate(record: CallRecord, provider_type: ProviderType) -> None:
    usage = record.usage
    assert record.usage_source is UsageSource.ESTIMATED
    assert usage.output_tokens is not None
    assert 5 <= usage.output_tokens <= 100
    if provider_type is ProviderType.ANTHROPIC:  # it tells its input first
        assert usage.input_tokens == 1000
    else:
        assert usage.input_tokens is not None
        assert 5 <= usage.input_tokens <= 100


@pytest.mark.parametrize(("provider_type", "call"), FORMATS)
@pytest.mark.parametrize("step", [CUT, FAILED])
async def test_what_was_said_before_an_answer_broke_off_is_estimated(
    *,
    proxy: Proxy,
    sandbox: Sandbox,
    provider_type: ProviderType,
    call: Any,
    step: Step,
) -> None:
    become(proxy, sandbox, provider_type)
    sandbox.play(step)

    with suppress(*_BREAKS):
        await call(proxy)

    record = await proxy.settled_one()
    assert record.status is CallStatus.FAILED
    is_estimate(record, provider_type)


@pytest.mark.parametrize(("provider_type", "call"), FORMATS)
async def test_what_was_said_before_an_agent_left_is_estimated(
    proxy: Proxy, sandbox: Sandbox, provider_type: ProviderType, call: Any
) -> None:
    become(proxy, sandbox, provider_type)
    sandbox.play(HANGING)

    await call(proxy, leaves=True)

    record = await proxy.settled_one()
    assert record.status is CallStatus.CANCELLED
    is_estimate(record, provider_type)


@pytest.mark.parametrize(("provider_type", "call"), FORMATS)
@pytest.mark.parametrize(
    "step",
    [
        Step(status=429),
        Step(status=500),
        Step(fault=Fault.CUT_BEFORE_FIRST_BYTE),
        Step(fault=Fault.ERROR_EVENT_AT_HEAD, error=ErrorDetail(message="no")),
    ],
)
async def test_what_failed_before_its_first_word_is_not_counted(
    *,
    proxy: Proxy,
    sandbox: Sandbox,
    provider_type: ProviderType,
    call: Any,
    step: Step,
) -> None:
    become(proxy, sandbox, provider_type)
    sandbox.play(step)

    with suppress(*_BREAKS):
        await call(proxy)

    record = await proxy.settled_one()
    assert record.status is CallStatus.FAILED
    assert record.usage == Usage()
    assert record.usage_source is UsageSource.NONE


BODY = json.dumps({"model": MODEL, "messages": [HELLO]}).encode()


async def test_a_call_has_the_labels_of_operators_and_its_own(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    proxy.change_type(labels={"team": "research"})
    proxy.change_credential(labels={"region": "eu", "team": "platform"})

    await proxy.ask(
        "chat/completions",
        BODY,
        headers={"X-Ag2trust-Labels": "team=mine, region=us, stage=draft"},
    )

    assert (await proxy.settled_one()).labels == {
        "team": "research",
        "region": "eu",
        "stage": "draft",
    }
    assert "x-ag2trust-labels" not in sandbox.requests[0].headers


async def test_labels_that_are_none_are_refused(proxy: Proxy, sandbox: Sandbox) -> None:
    answer = await proxy.ask(
        "chat/completions", BODY, headers={"X-Ag2trust-Labels": "team"}
    )

    assert (answer.status, answer.code) == (400, "malformed_request")
    assert sandbox.request_count == 0
    assert proxy.records() == []


async def test_the_most_labels_leave_room_for_the_longest_end(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    many = {f"label{number}": "é" * 200 for number in range(20)}
    proxy.change_type(labels=many, use_case="\x01" * 200)
    sandbox.play(Step(status=400, error=ErrorDetail(message="𝕞" * 10_000)))

    answer = await proxy.ask("chat/completions", BODY)

    assert answer.status == 400
    assert (await proxy.settled_one()).status is CallStatus.FAILED


async def respond(proxy: Proxy) -> None:
    await proxy.client().responses.create(model=MODEL, input="Hi")


async def respond_streamed(proxy: Proxy) -> None:
    stream = await proxy.client().responses.create(model=MODEL, input="Hi", stream=True)
    async for _ in stream:
        pass


async def chat_at_once(proxy: Proxy) -> None:
    await proxy.client().chat.completions.create(model=MODEL, messages=[HELLO])


async def embed(proxy: Proxy) -> None:
    await proxy.client().embeddings.create(model=MODEL, input="Hi")


async def message_at_once(proxy: Proxy) -> None:
    async with AsyncAnthropic(base_url=proxy.anthropic_url, api_key=KEY) as client:
        await client.messages.create(
            model=MODEL,
            max_tokens=10,
            messages=[{"role": "user", "content": "Hi"}],
        )


async def converse_at_once(proxy: Proxy) -> None:
    with bedrock_client(proxy) as client:
        await conversed(client, modelId=MODEL)


async def invoke_at_once(proxy: Proxy) -> None:
    proxy.allow(CLAUDE)
    with bedrock_client(proxy) as client:
        await invoked(client)


async def invoke(proxy: Proxy) -> None:
    proxy.allow(CLAUDE)
    with bedrock_client(proxy) as client:
        await invoke_streamed(client)


EVERY_ENDPOINT = [
    (ProviderType.OPENAI, chat_at_once, "chat.completions", False),
    (ProviderType.OPENAI, chat, "chat.completions", True),
    (ProviderType.OPENAI, respond, "responses", False),
    (ProviderType.OPENAI, respond_streamed, "responses", True),
    (ProviderType.OPENAI, embed, "embeddings", False),
    (ProviderType.ANTHROPIC, message_at_once, "messages", False),
    (ProviderType.ANTHROPIC, message, "messages", True),
    (ProviderType.BEDROCK, converse_at_once, "converse", False),
    (ProviderType.BEDROCK, conversation, "converse-stream", True),
    (ProviderType.BEDROCK, invoke_at_once, "invoke", False),
    (ProviderType.BEDROCK, invoke, "invoke-with-response-stream", True),
]


@pytest.mark.parametrize(
    ("provider_type", "call", "endpoint", "is_streamed"), EVERY_ENDPOINT
)
async def test_every_endpoint_makes_one_call_that_is_metered(
    *,
    proxy: Proxy,
    sandbox: Sandbox,
    provider_type: ProviderType,
    call: Any,
    endpoint: str,
    is_streamed: bool,
) -> None:
    become(proxy, sandbox, provider_type)

    await call(proxy)

    record = await proxy.settled_one()
    assert record.endpoint == endpoint
    assert record.is_streamed is is_streamed
    assert record.usage_source is UsageSource.REPORTED
    assert record.usage.input_tokens
    assert record.usage.output_tokens or endpoint == "embeddings"
    assert sandbox.request_count == 1
