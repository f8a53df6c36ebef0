import gzip
import io
from datetime import timedelta
from pathlib import Path

import openai
import pytest
from openai import AsyncOpenAI

from ag2trust_sandbox import ErrorDetail, Sandbox, Step
from shared.contracts.metrics import CallStatus, UsageSource

from .proxying import HELLO, KEY, MODEL, Proxy, open_proxy
from .raw_provider import Conversation, raw_provider, whole

BODY = b'{"model":"sandbox-echo","messages":[{"role":"user","content":"Hi"}]}'


async def ask(client: AsyncOpenAI, *, stream: bool = False) -> None:
    await client.chat.completions.create(model=MODEL, messages=[HELLO], stream=stream)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("step", "raised", "code"),
    [
        (Step(status=400), openai.BadRequestError, "INVALID_REQUEST"),
        (
            Step(status=400, error=ErrorDetail(code="context_length_exceeded")),
            openai.BadRequestError,
            "CONTEXT_TOO_LONG",
        ),
        (Step(status=401), openai.AuthenticationError, "INVALID_API_KEY"),
        (Step(status=403), openai.PermissionDeniedError, "PERMISSION_DENIED"),
        (Step(status=404), openai.NotFoundError, "MODEL_NOT_AVAILABLE"),
        (Step(status=409), openai.ConflictError, "CONFLICT"),
        (Step(status=422), openai.UnprocessableEntityError, "INVALID_REQUEST"),
        (Step(status=429), openai.RateLimitError, "RATE_LIMITED"),
        (
            Step(status=429, error=ErrorDetail(code="insufficient_quota")),
            openai.RateLimitError,
            "QUOTA_EXHAUSTED",
        ),
        (Step(status=500), openai.InternalServerError, "PROVIDER_ERROR"),
        (Step(status=503), openai.InternalServerError, "OVERLOADED"),
        (
            Step(status=502, raw_body="<html>Bad gateway</html>"),
            openai.InternalServerError,
            "PROVIDER_ERROR",
        ),
    ],
)
async def test_the_sdk_raises_what_it_raises_without_us(
    proxy: Proxy,
    sandbox: Sandbox,
    step: Step,
    raised: type[openai.APIStatusError],
    code: str,
    *,
    stream: bool,
) -> None:
    sandbox.play(step.model_copy(update={"repeat": 2}))
    async with AsyncOpenAI(
        base_url=sandbox.base_url, api_key=KEY, max_retries=0
    ) as direct:
        with pytest.raises(openai.APIStatusError) as without_us:
            await ask(direct, stream=stream)

    with pytest.raises(openai.APIStatusError) as with_us:
        await ask(proxy.client(), stream=stream)

    assert type(with_us.value) is type(without_us.value) is raised
    assert with_us.value.status_code == step.status
    assert with_us.value.body == without_us.value.body
    assert with_us.value.message == without_us.value.message
    record = await proxy.settled_one()
    assert record.status is CallStatus.FAILED
    assert record.http_status == step.status
    assert record.explanation is not None
    assert record.explanation.code == code
    assert record.usage_source is UsageSource.NONE
    assert [each.error_code for each in record.attempts] == [code]


async def test_what_an_sdk_needs_of_a_429_comes_through(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    hints = {"retry-after": "7", "retry-after-ms": "7000", "x-should-retry": "true"}
    sandbox.play(Step(status=429, headers=hints))

    answer = await proxy.ask("chat/completions", BODY)

    assert {name: answer.headers[name] for name in hints} == hints
    assert answer.headers["x-ratelimit-remaining-requests"] == "0"
    assert "x-ag2trust-error" not in answer.headers


async def test_an_sdk_that_tries_again_makes_a_call_each_time(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    sandbox.play(Step(status=500, headers={"retry-after-ms": "1"}, repeat=2))

    await ask(proxy.client(max_retries=2))

    records = await proxy.settled(3)
    assert [each.http_status for each in records] == [500, 500, 200]


async def test_the_request_id_is_the_providers_and_is_recorded(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    sandbox.play(Step(status=500, headers={"x-request-id": "req_of_the_provider"}))

    with pytest.raises(openai.InternalServerError) as failed:
        await ask(proxy.client())

    assert failed.value.request_id == "req_of_the_provider"
    assert (await proxy.settled_one()).request_id == "req_of_the_provider"


@pytest.mark.parametrize("given", ["", "x" * 200, "with space", KEY, f"req-{KEY}"])
async def test_a_request_id_that_is_none_is_ours(
    proxy: Proxy, sandbox: Sandbox, given: str
) -> None:
    sandbox.play(Step(headers={"x-request-id": given}))

    answer = await proxy.ask("chat/completions", BODY)

    assert answer.headers.getall("x-request-id") == [proxy.records()[0].request_id]
    assert proxy.records()[0].request_id != given


async def test_every_answer_says_who_gave_it(proxy: Proxy, sandbox: Sandbox) -> None:
    sandbox.play(Step(), Step(status=500))

    for _ in range(2):
        answer = await proxy.ask("chat/completions", BODY)

        assert answer.headers["x-ag2trust-provider"] == str(
            proxy.agent.agent_type.provider_id
        )
        assert answer.headers["x-ag2trust-model"] == MODEL
        assert answer.headers["x-ag2trust-attempts"] == "1"


async def test_a_key_that_the_provider_repeats_is_not_passed_on_or_recorded(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    sandbox.play(
        Step(
            status=401,
            headers={"www-authenticate": f"Bearer {KEY}"},
            error=ErrorDetail(message=f"Bad key {KEY}."),
        )
    )

    answer = await proxy.ask("chat/completions", BODY)

    assert KEY.encode() not in answer.body
    assert answer.headers["www-authenticate"] == "Bearer [secret]"
    assert b"Bad key [secret]." in answer.body
    assert KEY not in proxy.records()[0].model_dump_json()


async def test_an_error_text_that_is_no_unicode_is_passed_on_and_recorded(
    spool_folder: Path,
) -> None:
    body = b'{"error":{"message":"half a pair: \\ud83d","code":null}}'

    async def answer(asked: Conversation) -> None:
        asked.say(whole(body, status="400 Bad Request"))

    async with (
        raw_provider(answer) as provider,
        open_proxy(spool_folder, provider.base_url) as proxy,
    ):
        told = await proxy.ask("chat/completions", BODY)

        assert told.status == 400
        assert told.body == body
        explanation = proxy.records()[0].explanation
        assert explanation is not None
        assert explanation.message == "half a pair:"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_neither_followed_nor_passed_on(
    spool_folder: Path, sandbox: Sandbox, status: int
) -> None:
    async def answer(asked: Conversation) -> None:
        location = f"location: {sandbox.base_url}/chat/completions\r\n".encode()
        asked.say(whole(b"", status=f"{status} Moved", headers=location))

    async with (
        raw_provider(answer) as provider,
        open_proxy(spool_folder, provider.base_url) as proxy,
    ):
        told = await proxy.ask("chat/completions", BODY)

        assert told.status == 502
        assert told.code == "redirect_refused"
        assert told.headers["x-should-retry"] == "false"
        assert "location" not in told.headers
        assert sandbox.request_count == 0
        (record,) = proxy.records()
        assert record.status is CallStatus.FAILED
        assert record.http_status == status
        assert record.explanation is not None
        assert record.explanation.code == "REDIRECT_REFUSED"


async def test_a_provider_where_nothing_listens_is_unreachable(proxy: Proxy) -> None:
    proxy.lead_to("http://127.0.0.1:1/v1")

    with pytest.raises(openai.InternalServerError) as failed:
        await ask(proxy.client())

    assert failed.value.status_code == 502
    assert failed.value.code == "upstream_unreachable"
    record = await proxy.settled_one()
    assert record.status is CallStatus.FAILED
    assert record.http_status is None
    assert record.explanation is not None
    assert record.explanation.code == "UPSTREAM_UNREACHABLE"


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"HTTP/1.1 200",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx",
    ],
)
async def test_a_provider_that_does_not_speak_http_is_unreachable(
    spool_folder: Path, sent: bytes
) -> None:
    async def answer(asked: Conversation) -> None:
        asked.say(sent)

    async with (
        raw_provider(answer) as provider,
        open_proxy(spool_folder, provider.base_url) as proxy,
    ):
        told = await proxy.ask("chat/completions", BODY)

        assert told.status == 502
        assert told.code == "upstream_unreachable"
        (record,) = proxy.records()
        assert record.status is CallStatus.FAILED


async def test_a_provider_that_says_nothing_in_time_is_told_from_a_dead_one(
    spool_folder: Path,
) -> None:
    async def answer(asked: Conversation) -> None:
        await asked.until_left()

    async with (
        raw_provider(answer) as provider,
        open_proxy(
            spool_folder, provider.base_url, silence=timedelta(seconds=0.2)
        ) as proxy,
    ):
        told = await proxy.ask("chat/completions", BODY)

        assert told.status == 502
        assert told.code == "timeout"
        await provider.until_left(seconds=20)
        (record,) = proxy.records()
        assert record.status is CallStatus.FAILED
        assert record.explanation is not None
        assert record.explanation.code == "TIMEOUT"


async def test_an_answer_in_one_piece_that_breaks_off_is_no_answer(
    spool_folder: Path,
) -> None:
    async def answer(asked: Conversation) -> None:
        asked.say(whole(b'{"id":"c","usage":{}}')[:-5])

    async with (
        raw_provider(answer) as provider,
        open_proxy(spool_folder, provider.base_url) as proxy,
    ):
        told = await proxy.ask("chat/completions", BODY)

        assert told.status == 502
        assert told.code == "stream_interrupted"
        (record,) = proxy.records()
        assert record.status is CallStatus.FAILED
        assert record.http_status == 200


async def test_an_answer_that_came_compressed_all_the_same_is_read(
    spool_folder: Path,
) -> None:
    body = b'{"id":"c","usage":{"prompt_tokens":7}}'

    async def answer(asked: Conversation) -> None:
        headers = b"content-type: application/json\r\ncontent-encoding: gzip\r\n"
        asked.say(whole(gzip.compress(body), headers=headers))

    async with (
        raw_provider(answer) as provider,
        open_proxy(spool_folder, provider.base_url) as proxy,
    ):
        told = await proxy.ask("chat/completions", BODY)

        assert told.body == body
        assert "content-encoding" not in told.headers
        assert proxy.records()[0].usage.input_tokens == 7
        assert b"accept-encoding: identity" in provider.asked[0].head.lower()


async def test_a_provider_may_refuse_before_it_has_read_the_request(
    spool_folder: Path,
) -> None:
    large = BODY.replace(b"Hi", b"x" * (20 * 1024 * 1024))
    told_of_it = b'{"error":{"message":"Too large.","code":null}}'

    async def answer(asked: Conversation) -> None:
        asked.say(whole(told_of_it, status="413 Content Too Large"))
        await asked.until_left()

    async with (
        raw_provider(answer, reads_body=False) as provider,
        open_proxy(spool_folder, provider.base_url) as proxy,
    ):
        told = await proxy.ask("chat/completions", io.BytesIO(large))
        again = await proxy.ask("chat/completions", BODY)

        assert (told.status, told.body) == (413, told_of_it)
        assert again.status == 413
        assert provider.connections == 2
        explanation = proxy.records()[0].explanation
        assert explanation is not None
        assert explanation.code == "REQUEST_TOO_LARGE"
