"""OpenAI's responses through the proxy."""

import openai
import pytest
from openai.types.responses import Response

from ag2trust_sandbox import ErrorDetail, Fault, FinishReason, Sandbox, Step, UsagePlace
from ag2trust_sandbox import Usage as Sent
from shared.contracts.metrics import CallStatus, Usage

from .proxying import MODEL, Proxy

SENT = Sent(
    prompt_tokens=100,
    completion_tokens=50,
    cached_tokens=60,
    cache_write_tokens=30,
    long_cache_write_tokens=10,
    reasoning_tokens=20,
)
COUNTED = Usage(
    input_tokens=10,
    cached_input_tokens=60,
    cache_write_5m_tokens=20,
    cache_write_1h_tokens=10,
    output_tokens=50,
    reasoning_tokens=20,
    service_tier="default",
)


async def responded(proxy: Proxy, *, is_streamed: bool) -> list[str]:
    """Ask for a response, read it to its end, and give the types of its events."""
    answer = await proxy.client().responses.create(
        model=MODEL, input="Hi", stream=is_streamed
    )
    if isinstance(answer, Response):
        return [answer.status or ""]
    return [event.type async for event in answer]


@pytest.mark.parametrize(
    ("step", "counted"),
    [
        (Step(content="x", usage=SENT), COUNTED),
        (
            Step(content="x", usage=SENT, finish_reason=FinishReason.LENGTH),
            COUNTED,
        ),
        (Step(content="x", usage_place=UsagePlace.NOWHERE), Usage()),
        (Step(content="x", usage=Sent(prompt_tokens=-1)), Usage()),
    ],
)
@pytest.mark.parametrize("is_streamed", [False, True])
async def test_usage_is_counted_as_reported_or_not_at_all(
    proxy: Proxy, sandbox: Sandbox, step: Step, counted: Usage, *, is_streamed: bool
) -> None:
    sandbox.play(step)

    await responded(proxy, is_streamed=is_streamed)

    record = await proxy.settled_one()
    assert record.status is CallStatus.COMPLETED
    assert record.endpoint == "responses"
    assert record.is_streamed is is_streamed
    assert record.usage == counted


@pytest.mark.parametrize("is_streamed", [False, True])
async def test_a_response_that_failed_reaches_the_client_and_is_explained(
    proxy: Proxy, sandbox: Sandbox, *, is_streamed: bool
) -> None:
    sandbox.play(
        Step(
            content="x",
            usage=SENT,
            finish_reason=FinishReason.FAILED,
            error=ErrorDetail(code="server_is_overloaded"),
        )
    )

    told = await responded(proxy, is_streamed=is_streamed)

    assert told[-1] in {"failed", "response.failed"}
    record = await proxy.settled_one()
    assert record.status is CallStatus.FAILED
    assert record.http_status == 200
    assert record.explanation is not None
    assert record.explanation.code == "OVERLOADED"
    assert record.usage == COUNTED


async def test_an_error_event_reaches_the_client_and_is_explained(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    sandbox.play(
        Step(
            content="x",
            fault=Fault.ERROR_EVENT_AT_HEAD,
            error=ErrorDetail(code="rate_limit_exceeded"),
        )
    )

    told = await responded(proxy, is_streamed=True)

    assert told == ["error"]
    record = await proxy.settled_one()
    assert record.explanation is not None
    assert record.explanation.code == "RATE_LIMITED"


async def test_a_cut_response_raises_in_the_client(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    sandbox.play(Step(content="a b c", fault=Fault.CUT_AFTER_FRAMES, after_frames=4))

    with pytest.raises(openai.APIConnectionError):
        await responded(proxy, is_streamed=True)

    record = await proxy.settled_one()
    assert record.explanation is not None
    assert record.explanation.code == "STREAM_INTERRUPTED"


async def test_the_response_of_another_is_not_to_be_had(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    client = proxy.client()

    with pytest.raises(openai.PermissionDeniedError) as by_id:
        await client.responses.retrieve("resp_of_another")
    with pytest.raises(openai.PermissionDeniedError) as continued:
        await client.responses.create(
            model=MODEL, input="Hi", previous_response_id="resp_of_another"
        )

    assert by_id.value.code == "path_not_allowed"
    assert continued.value.code == "feature_not_allowed"
    assert sandbox.request_count == 0
