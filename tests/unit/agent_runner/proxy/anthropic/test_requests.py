import pytest

from agent_runner.proxy.anthropic.requests import read_request, route_of
from agent_runner.proxy.wire_format import ModelRequest
from shared.contracts.prices import PriceTerms
from shared.errors import MalformedError, MalformedJsonError, PathNotAllowedError

MESSAGES = route_of("POST", "messages", "")
COUNT = route_of("POST", "messages/count_tokens", "")


def message(body: bytes) -> ModelRequest:
    return read_request(MESSAGES, body)


@pytest.mark.parametrize(
    ("method", "path", "query", "endpoint", "sent"),
    [
        ("POST", "messages", "", "messages", "/v1/messages"),
        ("POST", "messages", "beta=true", "messages", "/v1/messages?beta=true"),
        (
            "POST",
            "messages/count_tokens",
            "",
            "messages.count_tokens",
            "/v1/messages/count_tokens",
        ),
        ("GET", "models", "", "models", "/v1/models"),
        ("GET", "models", "beta=true", "models", "/v1/models?beta=true"),
    ],
)
def test_these_paths_are_served(
    *, method: str, path: str, query: str, endpoint: str, sent: str
) -> None:
    route = route_of(method, path, query)

    assert (route.endpoint, route.path) == (endpoint, sent)
    assert route.is_model_call is (method == "POST")


@pytest.mark.parametrize(
    ("method", "path", "query"),
    [
        ("GET", "messages", ""),
        ("POST", "models", ""),
        ("POST", "", ""),
        ("POST", "/messages", ""),
        ("POST", "messages/", ""),
        ("POST", "messages/batches", ""),
        ("GET", "messages/batches/b/results", ""),
        ("POST", "messages%2Fcount_tokens", ""),
        ("POST", "messages%2f..%2ffiles", ""),
        ("POST", "x/../messages", ""),
        ("POST", "v1/messages", ""),
        ("POST", "messages", "beta=false"),
        ("POST", "messages", "beta=true&x=1"),
        ("POST", "messages", "beta=true&beta=true"),
        ("POST", "files", "beta=true"),
        ("POST", "complete", ""),
        ("GET", "models/claude-opus-5-5", ""),
    ],
)
def test_nothing_else_is_served(method: str, path: str, query: str) -> None:
    with pytest.raises(PathNotAllowedError):
        route_of(method, path, query)


@pytest.mark.parametrize(
    ("body", "is_streamed"),
    [
        (b'{"model":"m"}', False),
        (b' { "model" : "m" , "temperature":1.0, "stream":true } \n', True),
        (b'{"model":"m","stream":null}', False),
        ('{"model":"m","system":"ä \\ud83d \u2028","stream":false}'.encode(), False),
    ],
)
def test_a_body_keeps_every_byte(body: bytes, *, is_streamed: bool) -> None:
    request = message(body)

    assert request.body is body
    assert request.model == "m"
    assert request.is_streamed is is_streamed


def test_what_bears_on_the_price_is_read() -> None:
    body = b'{"model":"m","speed":"fast","inference_geo":"us","service_tier":["auto"]}'

    assert message(body).terms == PriceTerms(speed="fast", inference_geo="us")


def test_tokens_are_counted_in_one_piece() -> None:
    assert not read_request(COUNT, b'{"model":"m","stream":true}').is_streamed


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"model":"a","model":"b"}',
        b'{"model":"a","mod\\u0065l":"b"}',
        b'{"model":"m","tools":[{"type":"a","type":"b"}]}',
        b'{"model":"m","max_tokens":NaN}',
        b'{"model":"\xff"}',
        b"[" * 100_000,
    ],
)
def test_what_is_not_plain_json_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedJsonError):
        message(body)


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{}",
        b'{"model":7}',
        b'{"model":"m","stream":"true"}',
        b'{"model":"m","Model":"dear"}',
        b'{"model":"m","Tools":[]}',
        b'{"model":"m","MCP_servers":[]}',
        b'{"model":"m","fallbacks":[{"model":"dear"}]}',
        b'{"model":"m","Speed":"fast"}',
    ],
)
def test_json_that_is_no_clear_model_call_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedError) as refused:
        message(body)

    assert not isinstance(refused.value, MalformedJsonError)


@pytest.mark.parametrize("fallbacks", [b"null", b"[]"])
def test_no_fallback_is_none(fallbacks: bytes) -> None:
    assert message(b'{"model":"m","fallbacks":%b}' % fallbacks).model == "m"
