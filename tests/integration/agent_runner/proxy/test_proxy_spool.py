from pathlib import Path

import openai
import pytest

from ag2trust_sandbox import Sandbox, Step
from agent_runner.proxy.calls import interrupted
from agent_runner.spool.chain import MIN_SEGMENT_BYTES
from agent_runner.spool.spool import Spool
from shared.contracts.metrics import CallRecord, CallStatus

from .proxying import HELLO, MODEL, Proxy, break_down, open_proxy
from .raw_agent import chat, raw_agent, request
from .spool_check import settled_on_disk

BODY = b'{"model":"sandbox-echo","messages":[{"role":"user","content":"Hi"}]}'


async def test_without_room_to_account_for_it_no_call_leaves(
    spool_folder: Path, sandbox: Sandbox
) -> None:
    async with open_proxy(
        spool_folder,
        sandbox.base_url,
        segment_bytes=MIN_SEGMENT_BYTES,
        max_spool_bytes=3 * MIN_SEGMENT_BYTES,
    ) as proxy:
        answers = [await proxy.ask("chat/completions", BODY) for _ in range(100)]

        served = [each for each in answers if each.status == 200]
        refused = [each for each in answers if each.status == 503]
        assert served
        assert refused
        assert answers == served + refused
        assert {each.code for each in refused} == {"spool_full"}
        assert {each.headers["x-ag2trust-attempts"] for each in refused} == {"0"}
        assert sandbox.request_count == len(served) == len(proxy.records())


async def test_a_call_that_cannot_be_settled_ends_as_a_break(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    async with open_proxy(tmp_path / "spool", sandbox.base_url) as proxy:
        proxy.spool.before_settling = break_down
        async with raw_agent(proxy, request(proxy, chat())) as agent:
            arrived = await agent.until_closed()

    assert b"sandbox" in arrived
    assert b"[DONE]" not in arrived
    assert arrived.count(b"HTTP/1.1") == 1
    with Spool.open(tmp_path / "spool", interrupted=interrupted) as spool:
        (settled,) = spool.read_settled(0, limit=10, max_bytes=1 << 20)
    record = CallRecord.model_validate_json(settled.payload)
    assert record.status is CallStatus.INTERRUPTED


async def test_an_answer_that_cannot_be_settled_is_not_given(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    async with open_proxy(tmp_path / "spool", sandbox.base_url) as proxy:
        proxy.spool.before_settling = break_down

        answer = await proxy.ask("chat/completions", BODY)

        assert (answer.status, answer.code) == (503, "service_unavailable")


async def test_the_longest_model_name_finds_room(
    proxy: Proxy, spool_folder: Path
) -> None:
    longest = "模" * 256
    proxy.allow(longest)
    agent_type = proxy.agent.agent_type
    proxy.agent.agent_type = agent_type.model_copy(update={"use_case": "用" * 200})

    await proxy.client().chat.completions.create(model=longest, messages=[HELLO])

    assert [each.model for each in settled_on_disk(spool_folder)] == [longest]


@pytest.mark.parametrize("size", [1_000, 150_000])
async def test_the_longest_error_finds_room(
    proxy: Proxy, sandbox: Sandbox, size: int
) -> None:
    text = "é" * size
    sandbox.play(Step.model_validate({"status": 400, "error": {"message": text}}))

    with pytest.raises(openai.BadRequestError) as raised:
        await proxy.client().chat.completions.create(model=MODEL, messages=[HELLO])

    assert text in raised.value.message
    explanation = (await proxy.settled_one()).explanation
    assert explanation is not None
    assert explanation.message == "é" * 400
