import asyncio
import io

import pytest

from ag2trust_sandbox import Sandbox
from agent_runner.proxy.large_bodies import LARGE_BODY_BYTES, LargeBodies
from agent_runner.proxy.openai.requests import EMBEDDINGS, read_request, route_of
from agent_runner.proxy.wire_format import ModelRequest, Route
from shared.errors import MalformedJsonError, UnavailableError

from .proxying import MODEL, Proxy

LARGE = b"x" * LARGE_BODY_BYTES
CHAT = route_of("POST", "chat/completions", "")


def chat(*more: bytes, text: bytes = LARGE) -> bytes:
    messages = b'"messages":[{"role":"user","content":"%b"}]' % text
    return b"{%b}" % b",".join([b'"model":"%b"' % MODEL.encode(), messages, *more])


@pytest.fixture
def bodies() -> LargeBodies:
    return LargeBodies()


@pytest.mark.parametrize("route", [CHAT, EMBEDDINGS])
@pytest.mark.parametrize("more", [[], [b'"stream":true']])
async def test_a_large_body_is_read_as_a_small_one_is(
    bodies: LargeBodies, route: Route, more: list[bytes]
) -> None:
    body = chat(*more)

    assert await bodies.read(read_request, route, body) == read_request(route, body)

    bodies.close()


async def test_a_large_body_that_is_no_call_is_refused_for_the_same_reason(
    bodies: LargeBodies,
) -> None:
    with pytest.raises(MalformedJsonError):
        await bodies.read(read_request, CHAT, chat(b'"model":"twice"'))

    bodies.close()


async def test_this_process_goes_on_while_a_large_body_is_read(
    bodies: LargeBodies,
) -> None:
    largest = chat(text=b"x" * (20 * 1024 * 1024))
    await bodies.read(read_request, CHAT, chat())  # the process has started
    turns = 0
    reading = asyncio.ensure_future(bodies.read(read_request, CHAT, largest))

    while not reading.done():
        await asyncio.sleep(0)
        turns += 1

    # Read here, it would be one turn.
    assert turns > 10
    assert (await reading).body == largest
    bodies.close()


async def test_more_large_bodies_than_may_wait_are_refused(
    bodies: LargeBodies,
) -> None:
    reads = [bodies.read(read_request, CHAT, chat()) for _ in range(20)]

    found = await asyncio.gather(*reads, return_exceptions=True)

    refused = [each for each in found if isinstance(each, UnavailableError)]
    assert len(refused) == 12
    assert refused[0].retry_after_seconds is not None
    assert sum(isinstance(each, ModelRequest) for each in found) == 8
    bodies.close()


async def test_a_process_that_died_is_replaced(bodies: LargeBodies) -> None:
    await bodies.read(read_request, CHAT, chat())
    assert bodies._process is not None
    for process in bodies._process._processes.values():
        process.kill()

    with pytest.raises(UnavailableError):
        await bodies.read(read_request, CHAT, chat())

    assert (await bodies.read(read_request, CHAT, chat())).model == MODEL
    bodies.close()


async def test_a_large_call_goes_there_and_comes_back(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    body = chat(b'"stream":true')

    answer = await proxy.ask("chat/completions", io.BytesIO(body))

    assert answer.status == 200
    splice = b'"stream_options":{"include_usage":true},'
    assert sandbox.requests[0].body == b"{" + splice + body[1:]
    assert (await proxy.settled_one()).usage.output_tokens is not None
