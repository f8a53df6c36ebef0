"""OpenAI's official client, answered by Anthropic or Bedrock: it sees no difference."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from ag2trust_sandbox import Fault, FinishReason, Sandbox, Step, ToolCall, Usage
from agent_runner.leases import HeldLease
from agent_runner.proxy.patience import Patience
from shared.contracts.credentials import ProviderType
from shared.contracts.metrics import CallStatus, UsageSource

from .proxying import HELLO, KEY, MODEL, Proxy, lease_of, open_proxy

AWS = {
    "aws_access_key_id": "AKIAIOSFODNN7EXAMPLE",
    "aws_secret_access_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
}
TOOLS: Any = [
    {
        "type": "function",
        "function": {"name": "weather", "parameters": {"type": "object"}},
    }
]
CALLS = (
    ToolCall(id="call_1", name="weather", arguments='{"city": "Ulm"}'),
    ToolCall(id="call_2", name="weather", arguments="{}"),
)
STEPS = [
    Step(content=("Good ", "day."), usage=Usage(prompt_tokens=7, completion_tokens=3)),
    Step(content="Let me see.", tool_calls=CALLS),
    Step(tool_calls=CALLS),
    Step(content="Too", finish_reason=FinishReason.LENGTH),
    Step(content="No", finish_reason=FinishReason.CONTENT_FILTER),
]
# What a client cannot tell apart, or is of the answer itself.
_OWN = {"id", "created", "model", "system_fingerprint", "usage", "service_tier"}


def lease_to(provider_type: ProviderType, sandbox: Sandbox) -> HeldLease:
    if provider_type is ProviderType.ANTHROPIC:
        return lease_of(sandbox.anthropic_base_url, provider_type=provider_type)
    return lease_of(
        sandbox.bedrock_endpoint_url,
        provider_type=provider_type,
        fields=AWS,
        aws_region="us-east-1",
    )


@pytest.fixture(params=[ProviderType.ANTHROPIC, ProviderType.BEDROCK])
def provider_type(request: pytest.FixtureRequest) -> ProviderType:
    kind: ProviderType = request.param
    return kind


@pytest.fixture
async def proxy(
    spool_folder: Path, sandbox: Sandbox, provider_type: ProviderType
) -> AsyncIterator[Proxy]:
    """Open a proxy whose agent has a provider of another type, and sealed delivery."""
    once = Patience(rounds=1)
    async with open_proxy(spool_folder, sandbox.base_url, retrying=once) as opened:
        opened.agent.lease = lease_to(provider_type, sandbox)
        yield opened


@pytest.fixture
async def client(proxy: Proxy) -> AsyncOpenAI:
    return proxy.client()


@pytest.fixture
async def direct(sandbox: Sandbox) -> AsyncIterator[AsyncOpenAI]:
    """Give the client without the proxy: what it sees is what is to be seen."""
    async with AsyncOpenAI(
        base_url=sandbox.base_url, api_key=KEY, max_retries=0
    ) as opened:
        yield opened


async def whole(client: AsyncOpenAI) -> dict[str, Any]:
    completion = await client.chat.completions.create(
        model=MODEL, messages=[HELLO], tools=TOOLS
    )
    told = completion.model_dump(exclude=_OWN)
    message = told["choices"][0]["message"]
    for name in ("annotations", "audio", "function_call", "refusal"):
        message.pop(name, None)
    told["choices"][0].pop("logprobs", None)
    for call in message.get("tool_calls") or []:
        call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    return told


async def streamed(client: AsyncOpenAI) -> dict[str, Any]:
    """Gather a stream as the SDK's own helper does."""
    async with client.chat.completions.stream(
        model=MODEL,
        messages=[HELLO],
        tools=TOOLS,
        stream_options={"include_usage": True},
    ) as stream:
        final = await stream.get_final_completion()
    choice = final.choices[0]
    usage = final.usage
    assert usage is not None
    return {
        "text": choice.message.content or None,
        "finish": choice.finish_reason,
        "calls": [
            (each.id, each.function.name, json.loads(each.function.arguments))
            for each in choice.message.tool_calls or []
        ],
    }


@pytest.mark.parametrize("step", STEPS, ids=range(len(STEPS)))
async def test_an_answer_is_what_openai_would_have_answered(
    sandbox: Sandbox, direct: AsyncOpenAI, client: AsyncOpenAI, step: Step
) -> None:
    sandbox.play(step.model_copy(update={"repeat": 2}))

    assert await whole(client) == await whole(direct)


@pytest.mark.parametrize("step", STEPS[:3], ids=range(3))
async def test_a_stream_is_what_openai_would_have_streamed(
    sandbox: Sandbox, direct: AsyncOpenAI, client: AsyncOpenAI, step: Step
) -> None:
    sandbox.play(step.model_copy(update={"repeat": 2}))

    assert await streamed(client) == await streamed(direct)


@pytest.mark.parametrize("is_streamed", [False, True])
async def test_what_is_counted_is_what_the_provider_reports(
    proxy: Proxy,
    sandbox: Sandbox,
    client: AsyncOpenAI,
    provider_type: ProviderType,
    *,
    is_streamed: bool,
) -> None:
    usage = Usage(prompt_tokens=17, completion_tokens=3, cached_tokens=5)
    sandbox.play(Step(content="Hi.", usage=usage))

    await (streamed(client) if is_streamed else whole(client))

    record = await proxy.settled_one()
    assert record.status is CallStatus.COMPLETED
    assert record.usage_source is UsageSource.REPORTED
    assert (record.usage.input_tokens, record.usage.cached_input_tokens) == (12, 5)
    assert record.usage.output_tokens == 3
    assert record.provider_type is provider_type
    assert record.is_streamed is is_streamed


async def test_images_reach_the_provider(sandbox: Sandbox, client: AsyncOpenAI) -> None:
    image: Any = {
        "type": "image_url",
        "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="},
    }

    await client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": [image]}]
    )

    assert "iVBORw0KGgo=" in str(sandbox.requests[0].body)


async def test_a_result_of_a_tool_reaches_the_provider(
    sandbox: Sandbox, client: AsyncOpenAI
) -> None:
    sandbox.play(Step(tool_calls=CALLS))
    first = await client.chat.completions.create(
        model=MODEL, messages=[HELLO], tools=TOOLS
    )
    message: Any = first.choices[0].message.model_dump(exclude_none=True)
    results: Any = [
        {"role": "tool", "tool_call_id": each.id, "content": "Rain."} for each in CALLS
    ]

    second = await client.chat.completions.create(
        model=MODEL, messages=[HELLO, message, *results], tools=TOOLS
    )

    assert "Rain." in (second.choices[0].message.content or "")


@pytest.mark.parametrize(
    "fields", [{"n": 2}, {"logprobs": True}, {"seed": 1}], ids=["n", "logprobs", "seed"]
)
async def test_what_has_no_translation_is_refused_before_anything_is_sent(
    sandbox: Sandbox, client: AsyncOpenAI, fields: Any
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        await client.chat.completions.create(model=MODEL, messages=[HELLO], **fields)

    assert refused.value.code == "translation_not_supported"
    assert refused.value.param == next(iter(fields))
    assert not sandbox.requests


async def test_other_paths_are_not_translated(
    sandbox: Sandbox, client: AsyncOpenAI
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        await client.embeddings.create(model=MODEL, input="Hi.")

    assert refused.value.code == "wire_format_mismatch"
    assert not sandbox.requests


@pytest.mark.parametrize(
    ("step", "raised"),
    [
        (Step(status=401), (openai.AuthenticationError, openai.PermissionDeniedError)),
        (Step(status=429, headers={"retry-after": "7"}), (openai.RateLimitError,)),
        (Step(status=503), (openai.InternalServerError,)),
    ],
    ids=["key", "rate", "overload"],
)
async def test_errors_are_exceptions_that_the_client_knows(
    proxy: Proxy,
    sandbox: Sandbox,
    client: AsyncOpenAI,
    step: Step,
    raised: tuple[type[openai.APIStatusError], ...],
) -> None:
    sandbox.play(step)

    with pytest.raises(raised) as told:
        await whole(client)

    record = await proxy.settled_one()
    assert record.explanation
    assert told.value.code == record.explanation.code.lower()
    assert told.value.response.headers.get("retry-after") == step.headers.get(
        "retry-after"
    )


@pytest.mark.parametrize(
    "step",
    [
        Step(fault=Fault.CUT_AFTER_FRAMES, after_frames=5),
        Step(fault=Fault.ERROR_EVENT_AFTER_FRAMES, after_frames=5),
    ],
    ids=["cut", "error"],
)
async def test_a_stream_that_breaks_is_no_answer(
    proxy: Proxy, sandbox: Sandbox, client: AsyncOpenAI, step: Step
) -> None:
    sandbox.play(step)

    with pytest.raises((openai.APIError, openai.APIConnectionError)):
        await streamed(client)

    assert (await proxy.settled_one()).status is CallStatus.FAILED


@pytest.mark.parametrize("is_streamed", [False, True])
async def test_a_fallback_of_another_type_answers_for_openai(
    proxy: Proxy,
    sandbox: Sandbox,
    direct: AsyncOpenAI,
    provider_type: ProviderType,
    *,
    is_streamed: bool,
) -> None:
    proxy.lead_to(sandbox.base_url)
    proxy.fall_back_to(lease_to(provider_type, sandbox))
    answer = Step(content="Good day.", tool_calls=CALLS, repeat=2)
    sandbox.play(Step(status=503), answer)
    ask = streamed if is_streamed else whole

    assert await ask(proxy.client()) == await ask(direct)

    record = await proxy.settled_one()
    assert [each.http_status for each in record.attempts][1:] == [200]
    assert record.provider_type is provider_type


async def test_a_fallback_that_could_not_do_it_is_not_asked(
    proxy: Proxy, sandbox: Sandbox, provider_type: ProviderType
) -> None:
    proxy.lead_to(sandbox.base_url)
    proxy.fall_back_to(lease_to(provider_type, sandbox))
    sandbox.play(Step(status=503))

    with pytest.raises(openai.InternalServerError):
        await proxy.client().chat.completions.create(
            model=MODEL, messages=[HELLO], seed=1
        )

    assert len(sandbox.requests) == 1
