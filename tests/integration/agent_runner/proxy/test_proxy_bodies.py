import gzip
import io
import json
from collections.abc import AsyncIterator

import pytest

from ag2trust_sandbox import Sandbox, Step

from .proxying import MODEL, Proxy

MEBIBYTE = 1024 * 1024
ODDLY_WRITTEN = (
    b' \r\n\t{ "temperature" : 1.50,\n"messages":[{"role":"user","content":"\\u00e9'
    b'\\ud83d\\ude00 \xc3\xa9\xe2\x80\xa8"}] , "model":"sandbox-echo", "x":1e2 } \n'
)


def chat_body(**fields: object) -> bytes:
    body = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}], **fields}
    return json.dumps(body).encode()


@pytest.mark.parametrize(
    "body",
    [
        chat_body(),
        chat_body(stream=False, temperature=1.0, seed=10**30),
        chat_body(stream=True, stream_options={"include_usage": True}),
        ODDLY_WRITTEN,
    ],
)
async def test_a_body_reaches_the_provider_byte_for_byte(
    proxy: Proxy, sandbox: Sandbox, body: bytes
) -> None:
    answer = await proxy.ask("chat/completions", body)

    assert answer.status == 200
    assert sandbox.requests[0].body == body
    assert sandbox.requests[0].path == "/v1/chat/completions"


async def test_a_stream_asks_for_usage_in_front_and_is_else_the_same(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    await proxy.ask("chat/completions", chat_body(stream=True))

    (received,) = sandbox.requests
    splice = b'"stream_options":{"include_usage":true},'
    assert received.body == b"{" + splice + chat_body(stream=True)[1:]
    assert received.headers["content-length"] == str(len(received.body))


async def test_embeddings_reach_the_provider_byte_for_byte(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    body = b'{ "input":["a", "b"],"model":"sandbox-echo","stream":true}'

    answer = await proxy.ask("embeddings", body)

    assert answer.status == 200
    assert sandbox.requests[0].body == body


async def test_twenty_mebibytes_go_there_and_come_back(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    text = "x" * (20 * MEBIBYTE)
    body = chat_body(messages=[{"role": "user", "content": text}])

    answer = await proxy.ask("chat/completions", io.BytesIO(body))

    assert sandbox.requests[0].body == body
    told = json.loads(answer.body)
    assert told["choices"][0]["message"]["content"].endswith(text)
    assert (await proxy.settled_one()).usage.output_tokens == (
        told["usage"]["completion_tokens"]
    )


async def test_a_chunked_body_reaches_the_provider_whole(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for byte in chat_body():
            yield bytes([byte])

    answer = await proxy.ask("chat/completions", pieces())

    assert answer.status == 200
    assert sandbox.requests[0].body == chat_body()
    assert "transfer-encoding" not in sandbox.requests[0].headers


async def test_a_body_over_32_mebibytes_is_refused(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    answer = await proxy.ask("chat/completions", io.BytesIO(bytes(33 * MEBIBYTE)))

    assert answer.status == 413
    assert answer.code == "request_too_large"
    assert sandbox.request_count == 0


@pytest.mark.parametrize("encoding", ["gzip", "br", "GZIP", "identity, gzip"])
async def test_a_compressed_body_is_refused_with_the_reason(
    proxy: Proxy, sandbox: Sandbox, encoding: str
) -> None:
    answer = await proxy.ask(
        "chat/completions",
        gzip.compress(chat_body()),
        headers={"Content-Encoding": encoding},
    )

    assert answer.status == 400
    assert b"uncompressed" in answer.body
    assert sandbox.request_count == 0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed_json"),
        (b"{}", "malformed_request"),
        (b"{ }", "malformed_request"),
        (b"[]", "malformed_request"),
        (b'"text"', "malformed_request"),
        (b"\xef\xbb\xbf" + chat_body(), "malformed_json"),
        (chat_body().decode().encode("utf-16"), "malformed_json"),
        (b'{"model":"\xff"}', "malformed_json"),
        (b'{"model":"sandbox-echo","model":"gpt-4o"}', "malformed_json"),
        (b'{"model":"sandbox-echo","Model":"gpt-4o"}', "malformed_request"),
        (b'{"messages":[]}', "malformed_request"),
        (b'{"model":"sandbox-echo","x":' + b"[" * 200_000, "malformed_json"),
        (chat_body(stream="true"), "malformed_request"),
    ],
)
async def test_a_body_that_is_no_clear_model_call_goes_nowhere(
    proxy: Proxy, sandbox: Sandbox, body: bytes, code: str
) -> None:
    answer = await proxy.ask("chat/completions", body)

    assert answer.status == 400
    assert answer.code == code
    assert answer.headers["x-should-retry"] == "false"
    assert sandbox.request_count == 0
    assert proxy.records() == []


async def test_an_answer_comes_back_byte_for_byte(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    sandbox.play(Step(content="é \u2028 \U0001f600"))

    answer = await proxy.ask("chat/completions", chat_body())

    assert json.loads(answer.body)["choices"][0]["message"]["content"] == (
        "é \u2028 \U0001f600"
    )
    assert answer.headers.getall("content-length") == [str(len(answer.body))]
