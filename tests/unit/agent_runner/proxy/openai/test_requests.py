import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runner.proxy.openai.requests import (
    CHAT,
    EMBEDDINGS,
    RESPONSES,
    bounded,
    read_request,
    route_of,
)
from agent_runner.proxy.wire_format import ModelRequest, Route
from shared.errors import MalformedError, MalformedJsonError, PathNotAllowedError

FLAG = b'"include_usage":true'
ASK = b'"stream_options":{' + FLAG + b"}"

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=10,
)


def chat(body: bytes) -> ModelRequest:
    return read_request(CHAT, body)


@pytest.mark.parametrize(
    ("method", "path", "endpoint"),
    [
        ("POST", "chat/completions", "chat.completions"),
        ("POST", "embeddings", "embeddings"),
        ("POST", "responses", "responses"),
        ("GET", "models", "models"),
    ],
)
def test_these_paths_are_served(method: str, path: str, endpoint: str) -> None:
    assert route_of(method, path, "").endpoint == endpoint


@pytest.mark.parametrize(
    ("method", "path", "query"),
    [
        ("GET", "chat/completions", ""),
        ("DELETE", "models", ""),
        ("HEAD", "models", ""),
        ("POST", "", ""),
        ("POST", "/chat/completions", ""),
        ("POST", "chat/completions/", ""),
        ("POST", "chat//completions", ""),
        ("POST", "chat%2Fcompletions", ""),
        ("POST", "chat%2fcompletions", ""),
        ("POST", "%63hat/completions", ""),
        ("POST", "./chat/completions", ""),
        ("POST", "files/../chat/completions", ""),
        ("POST", "chat/completions/../../files", ""),
        ("POST", "chat/completions;x", ""),
        ("POST", "CHAT/COMPLETIONS", ""),
        ("POST", "chat/completions", "x=1"),
        ("GET", "models/gpt-4o", ""),
        ("GET", "responses/resp_1", ""),
        ("POST", "responses/resp_1/cancel", ""),
        ("POST", "responses/compact", ""),
        ("POST", "conversations", ""),
        ("POST", "files", ""),
    ],
)
def test_nothing_else_is_served(method: str, path: str, query: str) -> None:
    with pytest.raises(PathNotAllowedError):
        route_of(method, path, query)


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"m"}',
        b' \r\n\t{ "model" : "m" , "temperature":1.0, "seed":1e2 } \n',
        b'{"model":"m","stream":false,"stream_options":{"include_usage":true}}',
        b'{"model":"m","stream":null}',
        b'{"model":"m","stream":true,"stream_options":{ "include_usage" :true}}',
        '{"model":"m","user":"ä \\ud83d \u2028"}'.encode(),
    ],
)
def test_a_body_that_needs_nothing_keeps_every_byte(body: bytes) -> None:
    request = chat(body)

    assert request.body is body
    assert not request.withholds_usage


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        (
            b'{"model":"m","stream":true}',
            b'{ASK,"model":"m","stream":true}',
        ),
        (
            b'\n { "stream" : true,\t"model":"m"}',
            b'\n {ASK, "stream" : true,\t"model":"m"}',
        ),
        (
            b'{"model":"m","stream":true,"stream_options":null,"top_p":1.0}',
            b'{"model":"m","stream":true,ASK,"top_p":1.0}',
        ),
        (
            b'{"model":"m","stream":true,"stream_options":{},"top_p":1.10}',
            b'{"model":"m","stream":true,ASK,"top_p":1.10}',
        ),
        (
            b'{"model":"m","stream":true,"stream_options":{"x":1.0, "y":[{}]}}',
            b'{"model":"m","stream":true,"stream_options":{FLAG,"x":1.0, "y":[{}]}}',
        ),
        (
            b'{"stream_options":{"x":[1, {}],"include_usage":false},"stream":true,M}',
            b'{"stream_options":{"x":[1, {}],FLAG},"stream":true,M}',
        ),
        (
            b'{"stream\\u005foptions":{"include_usage":null},"stream":true,M}',
            b'{"stream\\u005foptions":{FLAG},"stream":true,M}',
        ),
    ],
)
def test_a_stream_is_made_to_tell_its_usage_and_keeps_its_other_bytes(
    body: bytes, sent: bytes
) -> None:
    request = chat(body.replace(b"M}", b'"model":"m"}'))

    expected = sent.replace(b"M}", b'"model":"m"}').replace(b"ASK", ASK)
    assert request.body == expected.replace(b"FLAG", FLAG)
    assert request.is_streamed
    assert request.withholds_usage


@given(
    others=st.dictionaries(
        st.text().map("x-{}".format),  # never one that the proxy reads itself
        JSON,
        max_size=4,
    ),
    options=st.none() | st.dictionaries(st.text("xyz"), JSON, max_size=2),
    flag=st.sampled_from([None, True, False, ...]),
    indent=st.sampled_from([None, 1]),
    ascii_only=st.booleans(),
)
def test_the_splice_changes_the_one_flag_and_nothing_else(
    others: dict[str, Any],
    options: dict[str, Any] | None,
    flag: Any,
    indent: int | None,
    *,
    ascii_only: bool,
) -> None:
    fields = {**others, "model": "m", "stream": True, "stream_options": options}
    if options is not None and flag is not ...:
        options["include_usage"] = flag
    body = json.dumps(fields, indent=indent, ensure_ascii=ascii_only)

    request = chat(body.encode())

    expected = {**fields, "stream_options": {**(options or {}), "include_usage": True}}
    asked = bool(options and options.get("include_usage"))
    assert json.loads(request.body) == expected
    assert request.withholds_usage is not asked


def test_a_response_tells_its_usage_by_itself() -> None:
    body = b'{"model":"m","input":"x","stream":true}'

    request = read_request(RESPONSES, body)

    assert request.body is body
    assert request.is_streamed
    assert not request.withholds_usage


@pytest.mark.parametrize(
    ("route", "name"),
    [(CHAT, "max_completion_tokens"), (RESPONSES, "max_output_tokens")],
)
@pytest.mark.parametrize("rest", ["", ',"x":{"max_output_tokens":null}'])
def test_a_limit_takes_the_place_of_one_that_is_null(
    route: Route, name: str, rest: str
) -> None:
    request = read_request(route, f'{{"model":"m","{name}":null{rest}}}'.encode())

    told = bounded(route, request, 512)

    assert told.body.decode() == f'{{"model":"m","{name}":512{rest}}}'


def test_an_embedding_is_never_made_to_stream() -> None:
    body = b'{"model":"m","input":"x","stream":true}'

    request = read_request(EMBEDDINGS, body)

    assert request.body is body
    assert not request.is_streamed


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"not json",
        b'{"model":"m"',
        b'{"model":"a","model":"b"}',
        b'{"model":"a","mod\\u0065l":"b"}',
        b'{"model":"m","stream":true,"stream_options":{"x":1,"x":1}}',
        b'{"model":"m","top_p":NaN}',
        b'\xef\xbb\xbf{"model":"m"}',
        b'{"model":"\xff"}',
        b'{"model":"m","user":"\xed\xa0\x80"}',
        '{"model":"m"}'.encode("utf-16"),
        '{"model":"m"}'.encode("utf-16-le"),
        b"[" * 100_000,
        b'{"model":"m","x":' + b'{"a":' * 100_000,
    ],
)
def test_what_is_not_plain_json_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedJsonError):
        chat(body)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"{ }",
        b"[]",
        b'"model"',
        b"null",
        b'{"model":null}',
        b'{"model":["m"]}',
        b'{"model":"m","stream":1}',
        b'{"model":"m","stream":"true"}',
        b'{"model":"m","stream":true,"stream_options":[]}',
        b'{"model":"m","stream":true,"stream_options":{"include_usage":1}}',
        b'{"model":"m","Model":"dear"}',
        b'{"model":"m","MODEL":"dear"}',
        b'{"model":"m","Background":true}',
        b'{"model":"m","TOOLS":[]}',
        b'{"model":"m","Previous_Response_ID":"resp_1"}',
        b'{"model":"m","\xc5\xbftream":true}',
        b'{"model":"m","stream":true,"stream_options":{"Include_Usage":false}}',
    ],
)
def test_json_that_is_no_clear_model_call_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedError) as refused:
        chat(body)

    assert not isinstance(refused.value, MalformedJsonError)
