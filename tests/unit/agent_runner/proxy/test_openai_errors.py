from typing import Any

import pytest

from agent_runner.masking import SecretMask
from agent_runner.proxy.openai_errors import explain, explain_error
from shared.contracts.base import Explanation

KEY = "sk-a-key-0123456789"


def explained(status: int, body: object) -> Explanation:
    return explain(status, body, mask=SecretMask({KEY}))


def error(**fields: Any) -> dict[str, Any]:
    return {"error": {"message": "Why.", "type": None, "code": None, **fields}}


@pytest.mark.parametrize(
    ("status", "name", "code", "is_retryable"),
    [
        (400, None, "INVALID_REQUEST", False),
        (400, "unsupported_parameter", "INVALID_REQUEST", False),
        (400, "context_length_exceeded", "CONTEXT_TOO_LONG", False),
        (400, "content_policy_violation", "CONTENT_FILTERED", False),
        (400, "invalid_prompt", "CONTENT_FILTERED", False),
        (401, "invalid_api_key", "INVALID_API_KEY", False),
        (401, None, "INVALID_API_KEY", False),
        (402, None, "QUOTA_EXHAUSTED", False),
        (403, "unsupported_country_region_territory", "PERMISSION_DENIED", False),
        (403, "model_not_found", "MODEL_NOT_AVAILABLE", False),
        (404, "model_not_found", "MODEL_NOT_AVAILABLE", False),
        (404, None, "NOT_FOUND", False),
        (408, None, "TIMEOUT", True),
        (409, None, "CONFLICT", True),
        (413, None, "REQUEST_TOO_LARGE", False),
        (418, None, "INVALID_REQUEST", False),
        (422, None, "INVALID_REQUEST", False),
        (429, "rate_limit_exceeded", "RATE_LIMITED", True),
        (429, "slow_down", "RATE_LIMITED", True),
        (429, "insufficient_quota", "QUOTA_EXHAUSTED", False),
        (429, "project_spend_limit_exceeded", "QUOTA_EXHAUSTED", False),
        (500, "server_error", "PROVIDER_ERROR", True),
        (502, None, "PROVIDER_ERROR", True),
        (503, "server_is_overloaded", "OVERLOADED", True),
        (504, None, "TIMEOUT", True),
        (529, None, "OVERLOADED", True),
        (200, "server_is_overloaded", "OVERLOADED", True),
        (200, "server_error", "PROVIDER_ERROR", True),
    ],
)
def test_an_error_is_known_by_its_code_and_else_by_its_status(
    status: int, name: str | None, code: str, *, is_retryable: bool
) -> None:
    explanation = explained(status, error(code=name))

    assert explanation.code == code
    assert explanation.retryable is is_retryable
    assert explanation.provider_error == name
    assert explanation.message == "Why."


def test_without_a_code_the_type_is_the_providers_name() -> None:
    explanation = explained(429, error(type="insufficient_quota"))

    assert explanation.code == "QUOTA_EXHAUSTED"
    assert explanation.provider_error == "insufficient_quota"


@pytest.mark.parametrize(
    "body",
    [
        {"error": "Why."},
        {"message": "Why."},
        {"detail": "Why."},
        {"object": "error", "message": "Why.", "code": 40301},
    ],
)
def test_other_shapes_of_compatible_servers_are_read(body: object) -> None:
    assert explained(400, body).message == "Why."


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "text",
        {},
        {"error": None},
        {"error": []},
        {"error": {"message": None}},
        {"error": {"message": {"deep": 1}, "code": [], "type": {}}},
        {"error": {"message": ["x"], "code": 7.5}},
        {"detail": [{"loc": ["body"]}]},
    ],
)
def test_a_body_that_says_nothing_is_explained_by_its_status(body: object) -> None:
    explanation = explained(502, body)

    assert explanation.code == "PROVIDER_ERROR"
    assert explanation.message == "The provider answered 502."


def test_a_key_that_the_provider_repeats_is_hidden() -> None:
    body = error(message=f"Incorrect API key provided: {KEY}.", code=KEY)

    assert KEY not in explained(401, body).model_dump_json()


def test_a_key_across_the_cut_is_hidden_whole() -> None:
    explanation = explained(401, error(message="x" * 395 + KEY))

    assert explanation.message == "x" * 395 + "[secr"


def test_what_a_terminal_or_a_database_would_choke_on_is_left_out() -> None:
    explanation = explained(400, error(message="a\0b\x1b[1mc\nd\ud800e\u202ef"))

    assert explanation.message == "a b [1mc d e f"


def test_what_the_provider_says_is_cut() -> None:
    explanation = explained(400, error(message="é" * 10_000, code="c" * 10_000))

    assert len(explanation.message) == 400
    assert explanation.provider_error == "c" * 100


def test_an_error_in_a_stream_is_an_error_under_status_200() -> None:
    explanation = explain_error(
        200, {"message": "Boo.", "code": None}, mask=SecretMask(())
    )

    assert explanation.code == "PROVIDER_ERROR"
    assert explanation.message == "Boo."
