import json
from typing import Any

import pytest

from shared.provider_errors.reading import failure_in, failure_in_event
from shared.provider_errors.rows import ErrorSource, Failure

OPENAI, ANTHROPIC, BEDROCK = list(ErrorSource)[:3]


def read(
    source: ErrorSource, body: object, *, status: int = 400, **headers: str
) -> Failure:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return failure_in(source, status=status, headers=named, body=raw)


def test_openais_code_comes_before_its_type() -> None:
    error = {
        "message": "Why.",
        "type": "invalid_request_error",
        "param": "n",
        "code": "c",
    }

    assert read(OPENAI, {"error": error}) == Failure(
        400, ("c", "invalid_request_error"), "Why.", "n"
    )


@pytest.mark.parametrize(
    "body",
    [
        {"error": "Why."},
        {"message": "Why."},
        {"detail": "Why."},
        {"object": "error", "message": "Why."},
    ],
)
def test_other_shapes_of_compatible_servers_are_read(body: object) -> None:
    assert read(OPENAI, body) == Failure(400, (), "Why.")


def test_a_code_that_is_a_number_is_a_name_all_the_same() -> None:
    assert read(OPENAI, {"message": "Why.", "code": 40301}).names == ("40301",)


@pytest.mark.parametrize("source", ErrorSource)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Bad gateway</html>",
        b"\xff\xfe",
        b"[" * 100_000,
        None,
        [],
        "text",
        7,
        {},
        {"error": None},
        {"error": []},
        {"error": {"message": None}},
        {"error": {"message": {"deep": 1}, "code": [], "type": {}, "details": 3}},
        {"detail": [{"loc": ["body"]}]},
        {"__type": 1, "message": []},
    ],
)
def test_a_body_that_says_nothing_leaves_the_status(
    source: ErrorSource, body: object
) -> None:
    assert read(source, body, status=502) == Failure(502)


def test_anthropics_error_code_comes_before_its_type() -> None:
    body: dict[str, Any] = {
        "type": "error",
        "error": {
            "type": "rate_limit_error",
            "message": "Why.",
            "details": {"error_code": "ramp_limit_exceeded"},
        },
        "request_id": "req_1",
    }

    assert read(ANTHROPIC, body, status=429) == Failure(
        429, ("ramp_limit_exceeded", "rate_limit_error"), "Why."
    )


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ("ValidationException", {"message": "Why."}),
        ("ValidationException:http://internal.amazon.com/coral/", {"Message": "Why."}),
        ("com.amazon.coral#ValidationException", {"message": "Why."}),
        ("", {"__type": "com.amazon#ValidationException", "message": "Why."}),
        ("", {"code": "ValidationException", "message": "Why."}),
        ("ValidationException", {"__type": "Other", "message": "Why."}),
    ],
)
def test_an_exception_of_aws_is_named_in_the_header_or_the_body(
    header: str, body: object
) -> None:
    assert read(BEDROCK, body, x_amzn_errortype=header) == Failure(
        400, ("ValidationException",), "Why."
    )


def test_an_exception_in_a_binary_stream_has_the_name_it_has_elsewhere() -> None:
    event = {"message": "slow"}

    failure = failure_in_event(BEDROCK, event, name="throttlingException")

    assert failure == Failure(200, ("ThrottlingException",), "slow")


def test_claudes_own_error_on_bedrock_is_read_as_anthropics() -> None:
    body = {"type": "error", "error": {"type": "overloaded_error", "message": "Why."}}

    assert read(BEDROCK, body, status=529).names == ("overloaded_error",)


def test_an_error_event_of_openais_responses_is_flat() -> None:
    event = {"type": "error", "code": "server_is_overloaded", "message": "Why."}

    failure = failure_in_event(OPENAI, event)

    assert failure.names[0] == "server_is_overloaded"
    assert failure.message == "Why."


def test_a_body_that_is_no_sentence_but_a_book_says_nothing() -> None:
    body = b'{"error": {"message": "%b"}}' % (b"x" * 1024 * 1024)

    read = failure_in(ErrorSource.OPENAI, status=500, headers={}, body=body)

    assert read == Failure(500)
