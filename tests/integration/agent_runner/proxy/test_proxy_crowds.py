import asyncio
from collections import Counter

from openai import APIConnectionError, AsyncOpenAI

from ag2trust_sandbox import Sandbox
from shared.contracts.metrics import CallStatus

from .proxying import MODEL, Proxy

CROWD = 200


async def said(client: AsyncOpenAI, model: str, number: int) -> tuple[str, int | None]:
    """Stream an answer to *number*; return its text and the tokens it reports."""
    stream = await client.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": f"Number {number}!" + "x" * number}],
        stream=True,
        stream_options={"include_usage": True},
    )
    text, tokens = "", None
    async for chunk in stream:
        text += "".join(choice.delta.content or "" for choice in chunk.choices)
        tokens = chunk.usage.total_tokens if chunk.usage else tokens
    return text, tokens


async def test_two_hundred_streams_at_once_are_each_exact(proxy: Proxy) -> None:
    client = proxy.client()

    async with asyncio.TaskGroup() as crowd:
        tasks = [
            crowd.create_task(said(client, MODEL, number)) for number in range(CROWD)
        ]

    answers = [task.result() for task in tasks]
    for number, (text, _) in enumerate(answers):
        assert text.endswith(f"You said: Number {number}!" + "x" * number)
    records = await proxy.settled(CROWD)
    assert {each.status for each in records} == {CallStatus.COMPLETED}
    counted = Counter(
        (each.usage.input_tokens or 0) + (each.usage.output_tokens or 0)
        for each in records
    )
    assert counted == Counter(tokens for _, tokens in answers)
    assert len({each.call_id for each in records}) == CROWD


async def test_streams_that_end_in_all_ways_at_once_do_not_mix(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    proxy.allow(MODEL, "sandbox-cut", "sandbox-hang", "sandbox-error-503")
    client = proxy.client()
    ends: Counter[str] = Counter()

    async def whole(number: int) -> None:
        text, _ = await said(client, MODEL, number)
        ends["whole"] += text.endswith("x" * number)

    async def cut(number: int) -> None:
        try:
            await said(client, "sandbox-cut", number)
        except APIConnectionError:
            ends["cut"] += 1

    async def left(number: int) -> None:
        stream = await client.chat.completions.create(
            model="sandbox-hang",
            messages=[{"role": "user", "content": str(number)}],
            stream=True,
        )
        await anext(aiter(stream))
        await stream.close()
        ends["left"] += 1

    async with asyncio.TaskGroup() as crowd:
        for number in range(60):
            for end in (whole, cut, left):
                crowd.create_task(end(number))

    records = await proxy.settled(180)
    assert ends == {"whole": 60, "cut": 60, "left": 60}
    assert Counter((each.model, each.status) for each in records) == {
        (MODEL, CallStatus.COMPLETED): 60,
        ("sandbox-cut", CallStatus.FAILED): 60,
        ("sandbox-hang", CallStatus.CANCELLED): 60,
    }
    assert sandbox.request_count == 180
