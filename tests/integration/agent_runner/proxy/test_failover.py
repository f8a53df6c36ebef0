"""Calls that their provider does not answer, and fallbacks that do."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import openai
import pytest

from ag2trust_sandbox import ErrorDetail, Fault, Sandbox, Step, serving
from agent_runner.leases import HeldLease
from agent_runner.proxy.patience import Patience
from shared.contracts.credentials import ProviderType
from shared.contracts.metrics import CallStatus
from shared.contracts.routes import Residency

from .proxying import HELLO, MODEL, Proxy, lease_of, open_proxy
from .raw_provider import Conversation, raw_provider

NOBODY = "http://127.0.0.1:1/v1"
OTHER = "sandbox-fallback"
SECOND_KEY = "sk-the-key-of-the-fallback-987654321"
BODY = b'{"model":"sandbox-echo","messages":[{"role":"user","content":"Hi"}]}'
ONCE = Patience(rounds=1)
FAILING = [
    Step(status=401),
    Step(status=403),
    Step(status=404),
    Step(status=429, headers={"retry-after": "30"}),
    Step(status=429, error=ErrorDetail(code="insufficient_quota")),
    Step(status=500),
    Step(status=503),
    Step(status=502, raw_body="<html>Bad gateway</html>"),
]


@pytest.fixture
async def second() -> AsyncIterator[Sandbox]:
    async with serving(keys_in_full=True) as provider:
        yield provider


@pytest.fixture
async def proxy(
    spool_folder: Path, sandbox: Sandbox, second: Sandbox
) -> AsyncIterator[Proxy]:
    """Open a proxy before both: the sandbox, and the second as its fallback."""
    async with open_proxy(spool_folder, sandbox.base_url, retrying=ONCE) as opened:
        opened.fall_back_to(lease_at(second), OTHER)
        yield opened


def lease_at(sandbox: Sandbox) -> HeldLease:
    return lease_of(sandbox.base_url, fields={"api_key": SECOND_KEY})


async def ask(proxy: Proxy) -> str:
    completion = await proxy.client().chat.completions.create(
        model=MODEL, messages=[HELLO]
    )
    return completion.choices[0].message.content or ""


async def stream(proxy: Proxy) -> str:
    chunks = await proxy.client().chat.completions.create(
        model=MODEL, messages=[HELLO], stream=True
    )
    said = [each.choices[0].delta.content async for each in chunks if each.choices]
    return "".join(each or "" for each in said)


@pytest.mark.parametrize("step", FAILING, ids=range(len(FAILING)))
async def test_what_the_provider_did_not_do_the_fallback_does(
    proxy: Proxy, sandbox: Sandbox, second: Sandbox, step: Step
) -> None:
    sandbox.play(step)

    said = await ask(proxy)

    assert "Hello!" in said
    record = await proxy.settled_one()
    assert record.status is CallStatus.COMPLETED
    assert [each.http_status for each in record.attempts] == [step.status, 200]
    assert record.attempts[0].error_code
    assert record.attempts[1].error_code is None
    assert [each.model for each in record.attempts] == [MODEL, OTHER]
    fallback = proxy.agent.agent_type.fallbacks[0]
    assert (record.provider_id, record.model) == (fallback.provider_id, OTHER)
    (received,) = second.requests
    assert received.headers["authorization"] == f"Bearer {SECOND_KEY}"


@pytest.mark.parametrize(
    "step",
    [
        Step(status=400),
        Step(status=400, error=ErrorDetail(code="context_length_exceeded")),
        Step(status=400, error=ErrorDetail(code="content_policy_violation")),
        Step(status=409),
        Step(status=422),
        Step(status=504, raw_body="<html>Gateway Time-out</html>"),
    ],
    ids=["invalid", "too long", "filtered", "conflict", "unprocessable", "timeout"],
)
async def test_what_is_wrong_itself_or_may_have_been_done_is_not_asked_again(
    proxy: Proxy, sandbox: Sandbox, second: Sandbox, step: Step
) -> None:
    sandbox.play(step)

    answer = await proxy.ask("chat/completions", BODY)

    assert answer.status == step.status
    assert not second.requests
    assert len((await proxy.settled_one()).attempts) == 1


@pytest.mark.parametrize(
    "step",
    [
        Step(fault=Fault.CUT_BEFORE_FIRST_BYTE),
        Step(fault=Fault.CUT_AFTER_FRAMES, after_frames=2),
    ],
    ids=["before its answer", "in it"],
)
async def test_a_call_that_broke_off_may_have_been_done_and_is_not_asked_again(
    proxy: Proxy, sandbox: Sandbox, second: Sandbox, step: Step
) -> None:
    sandbox.play(step)

    with pytest.raises(openai.APIError):
        await stream(proxy)

    assert not second.requests
    assert (await proxy.settled_one()).status is CallStatus.FAILED


async def test_a_provider_that_nobody_reaches_is_passed_over(
    proxy: Proxy, second: Sandbox
) -> None:
    proxy.agent.lease = replace(
        proxy.agent.lease,
        credential=proxy.agent.lease.credential.model_copy(update={"base_url": NOBODY}),
    )

    said = await ask(proxy)

    assert "Hello!" in said
    record = await proxy.settled_one()
    assert [each.http_status for each in record.attempts] == [None, 200]
    assert record.attempts[0].error_code == "UPSTREAM_UNREACHABLE"
    assert len(second.requests) == 1


async def test_the_answer_says_who_gave_it_and_how_many_were_asked(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    sandbox.play(Step(status=503))

    answer = await proxy.ask("chat/completions", BODY)

    told = {
        name: answer.headers[f"x-ag2trust-{name}"]
        for name in ("provider", "model", "attempts")
    }
    fallback = proxy.agent.agent_type.fallbacks[0]
    assert told == {
        "provider": str(fallback.provider_id),
        "model": OTHER,
        "attempts": "2",
    }


async def test_a_stream_that_begins_with_an_error_is_the_fallbacks(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    sandbox.play(Step(fault=Fault.ERROR_EVENT_AT_HEAD))

    said = await stream(proxy)

    assert "Hello!" in said
    record = await proxy.settled_one()
    assert record.status is CallStatus.COMPLETED
    assert [each.http_status for each in record.attempts] == [200, 200]
    assert record.attempts[0].error_code


async def test_an_error_after_the_first_word_is_never_replayed(
    proxy: Proxy, sandbox: Sandbox, second: Sandbox
) -> None:
    sandbox.play(Step(fault=Fault.ERROR_EVENT_AFTER_FRAMES, after_frames=3))

    with pytest.raises(openai.APIError):
        await stream(proxy)

    assert not second.requests
    assert (await proxy.settled_one()).status is CallStatus.FAILED


@pytest.mark.parametrize("is_streamed", [False, True])
async def test_an_answer_is_the_same_with_a_fallback_that_nobody_needs(
    proxy: Proxy, second: Sandbox, *, is_streamed: bool
) -> None:
    said = await (stream(proxy) if is_streamed else ask(proxy))

    assert "Hello!" in said
    assert not second.requests
    assert len((await proxy.settled_one()).attempts) == 1


async def test_where_all_fail_the_error_is_one_that_may_pass(
    proxy: Proxy, sandbox: Sandbox, second: Sandbox
) -> None:
    sandbox.play(Step(status=429, headers={"retry-after": "7"}))
    second.play(Step(status=401))

    answer = await proxy.ask("chat/completions", BODY)

    assert answer.status == 429
    assert answer.headers["retry-after"] == "7"
    assert answer.headers["x-ag2trust-attempts"] == "2"
    record = await proxy.settled_one()
    assert record.explanation
    assert record.explanation.code == "RATE_LIMITED"
    assert [each.http_status for each in record.attempts] == [429, 401]


async def test_where_none_may_pass_the_last_error_is_told(
    proxy: Proxy, sandbox: Sandbox, second: Sandbox
) -> None:
    sandbox.play(Step(status=401))
    second.play(Step(status=403))

    answer = await proxy.ask("chat/completions", BODY)

    assert answer.status == 403
    assert len((await proxy.settled_one()).attempts) == 2


async def test_candidates_are_asked_once_more_after_a_pause(
    spool_folder: Path, sandbox: Sandbox, second: Sandbox
) -> None:
    retrying = Patience(pause_seconds=0.01)
    sandbox.play(Step(status=503))
    second.play(Step(status=503))
    async with open_proxy(spool_folder, sandbox.base_url, retrying=retrying) as proxy:
        proxy.fall_back_to(lease_at(second))

        said = await ask(proxy)

        assert "Hello!" in said
        record = await proxy.settled_one()
        assert [each.http_status for each in record.attempts] == [503, 503, 200]


async def test_a_disabled_provider_is_passed_over(
    proxy: Proxy, sandbox: Sandbox, second: Sandbox
) -> None:
    proxy.change_credential(enabled=False)

    await ask(proxy)

    assert not sandbox.requests
    assert len(second.requests) == 1
    assert len((await proxy.settled_one()).attempts) == 1


async def test_a_disabled_fallback_is_not_asked(
    proxy: Proxy, sandbox: Sandbox, second: Sandbox
) -> None:
    disabled = lease_of(second.base_url, enabled=False)
    fallback = proxy.agent.agent_type.fallbacks[0]
    proxy.agent.fallback_leases[fallback.provider_id] = disabled
    sandbox.play(Step(status=503))

    answer = await proxy.ask("chat/completions", BODY)

    assert answer.status == 503
    assert "x-ag2trust-error" not in answer.headers
    assert not second.requests


async def test_no_call_leaves_the_residency(
    proxy: Proxy, sandbox: Sandbox, second: Sandbox
) -> None:
    proxy.change_type(residency=Residency(provider_types=[ProviderType.BEDROCK]))

    answer = await proxy.ask("chat/completions", BODY)

    assert (answer.status, answer.code) == (403, "residency_violated")
    assert answer.headers["x-should-retry"] == "false"
    assert not sandbox.requests
    assert not second.requests


async def test_no_fallback_leaves_the_residency(proxy: Proxy, sandbox: Sandbox) -> None:
    async with serving() as abroad:
        elsewhere = abroad.base_url.replace("127.0.0.1", "localhost")
        proxy.change_type(fallbacks=[], residency=Residency(regions=["127.0.0.1"]))
        proxy.fall_back_to(lease_of(elsewhere))
        sandbox.play(Step(status=503, repeat=2))
        within = await proxy.ask("chat/completions", BODY)
        left = len(abroad.requests)

        proxy.change_type(residency=None)
        without = await proxy.ask("chat/completions", BODY)

        assert (within.status, left) == (503, 0)
        assert (without.status, len(abroad.requests)) == (200, 1)


async def test_a_provider_that_fails_is_left_alone_while_there_is_another(
    proxy: Proxy, sandbox: Sandbox, second: Sandbox
) -> None:
    sandbox.play(Step(status=500, repeat=10))
    for _ in range(5):
        await ask(proxy)
    asked = len(sandbox.requests)

    proxy.change_type(fallbacks=[])
    answer = await proxy.ask("chat/completions", BODY)

    assert asked == 3
    assert len(second.requests) == 5
    assert answer.status == 500


async def test_a_provider_that_said_when_is_not_asked_before(
    proxy: Proxy, sandbox: Sandbox, second: Sandbox
) -> None:
    sandbox.play(Step(status=429, headers={"retry-after": "60"}))

    await ask(proxy)
    await ask(proxy)

    assert len(sandbox.requests) == 1
    assert len(second.requests) == 2


async def test_embeddings_go_to_the_same_model_or_nowhere(
    proxy: Proxy, sandbox: Sandbox, second: Sandbox
) -> None:
    sandbox.play(Step(status=503, repeat=2))
    body = b'{"model":"sandbox-echo","input":"Hi"}'
    to_another = await proxy.ask("embeddings", body)

    proxy.change_type(fallbacks=[])
    proxy.fall_back_to(lease_at(second), MODEL)
    to_the_same = await proxy.ask("embeddings", body)

    assert (to_another.status, to_the_same.status) == (503, 200)


async def test_no_key_of_a_fallback_is_repeated_to_the_agent(proxy: Proxy) -> None:
    async def tell(conversation: Conversation) -> None:
        body = SECOND_KEY.encode()
        conversation.say(
            b"HTTP/1.1 500 No\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
        )

    async with raw_provider(tell) as indiscreet:
        proxy.lead_to(NOBODY)
        proxy.change_type(fallbacks=[])
        proxy.fall_back_to(
            lease_of(indiscreet.base_url, fields={"api_key": SECOND_KEY})
        )

        answer = await proxy.ask("chat/completions", BODY)

        assert SECOND_KEY.encode() not in answer.body
