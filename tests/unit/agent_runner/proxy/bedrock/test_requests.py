from urllib.parse import quote

import pytest

from agent_runner.proxy.bedrock.requests import read_request, route_of
from shared.errors import MalformedError, MalformedJsonError, PathNotAllowedError

CLAUDE = "anthropic.claude-3-5-sonnet-20241022-v2:0"
PROFILE = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-pro"


@pytest.mark.parametrize(
    ("sent", "model", "goes_out"),
    [
        (
            "anthropic.claude-3-5-sonnet-20241022-v2%3A0",
            CLAUDE,
            "anthropic.claude-3-5-sonnet-20241022-v2%3A0",
        ),
        (
            "anthropic.claude-3-5-sonnet-20241022-v2:0",
            CLAUDE,
            "anthropic.claude-3-5-sonnet-20241022-v2%3A0",
        ),
        (PROFILE.replace("/", "%2F"), PROFILE, quote(PROFILE, safe="")),
        ("%6demo", "memo", "memo"),
        ("a%253Ab", "a%3Ab", "a%253Ab"),
    ],
)
def test_a_model_id_is_decoded_once_and_goes_out_in_one_form(
    sent: str, model: str, goes_out: str
) -> None:
    route = route_of("POST", f"model/{sent}/converse", "")

    assert route.model == model
    assert route.path == f"/model/{goes_out}/converse"


@pytest.mark.parametrize(
    ("operation", "is_streamed"),
    [
        ("invoke", False),
        ("invoke-with-response-stream", True),
        ("converse", False),
        ("converse-stream", True),
    ],
)
def test_these_operations_are_served(operation: str, *, is_streamed: bool) -> None:
    route = route_of("POST", f"model/m/{operation}", "")
    body = b' { "messages" : [] , "x":1e2 } \n'

    request = read_request(route, body)

    assert route.endpoint == operation
    assert request.model == "m"
    assert request.body is body
    assert request.is_streamed is is_streamed


@pytest.mark.parametrize(
    ("method", "path", "query"),
    [
        ("GET", "model/m/invoke", ""),
        ("POST", "model/m/invoke", "x=1"),
        ("POST", "model/m/count-tokens", ""),
        ("POST", "model/m/async-invoke", ""),
        ("POST", "model/m/invoke/", ""),
        ("POST", "model//invoke", ""),
        ("POST", "model/a/b/invoke", ""),
        ("POST", "model/m%/invoke", ""),
        ("POST", "model/m%2/invoke", ""),
        ("POST", "model/m%zz/invoke", ""),
        ("POST", "model/m%2Finvoke", ""),
        ("POST", "model/m/%69nvoke", ""),
        ("POST", "/model/m/invoke", ""),
        ("POST", "x/../model/m/invoke", ""),
        ("POST", "model/m/invoke-bidirectional-stream", ""),
        ("POST", "guardrail/g/version/1/apply", ""),
        ("GET", "foundation-models", ""),
        ("POST", "model/ä/invoke", ""),
        ("POST", "model/m/invoke\n", ""),
    ],
)
def test_nothing_else_is_served(method: str, path: str, query: str) -> None:
    with pytest.raises(PathNotAllowedError):
        route_of(method, path, query)


def test_a_model_id_that_is_no_text_is_refused() -> None:
    with pytest.raises(MalformedError):
        route_of("POST", "model/%ff/invoke", "")


@pytest.mark.parametrize(
    "body", [b"", b'{"a":1,"a":2}', b'{"a":"\xff"}', b"[" * 100_000]
)
def test_what_is_not_plain_json_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedJsonError):
        read_request(route_of("POST", "model/m/invoke", ""), body)


def test_a_body_is_an_object() -> None:
    with pytest.raises(MalformedError):
        read_request(route_of("POST", "model/m/invoke", ""), b"[]")
