import anthropic
import pytest
from anthropic import (
    AsyncAnthropic,
    AuthenticationError,
    BadRequestError,
    InternalServerError,
    NotFoundError,
    Omit,
    OverloadedError,
    RateLimitError,
    omit,
)

from ag2trust_sandbox import ErrorCode, ErrorDetail, Sandbox, Step, fingerprint, serving


async def ask(client: AsyncAnthropic, model: str = "claude-opus-5-5") -> None:
    await client.messages.create(
        model=model, max_tokens=9, messages=[{"role": "user", "content": "Hello!"}]
    )


async def error_of(
    client: AsyncAnthropic, model: str = "claude-opus-5-5"
) -> anthropic.APIStatusError:
    with pytest.raises(anthropic.APIStatusError) as failure:
        await ask(client, model)
    return failure.value


@pytest.mark.parametrize(
    ("model", "error", "status", "kind"),
    [
        ("sandbox-error-400", BadRequestError, 400, "invalid_request_error"),
        ("sandbox-error-401", AuthenticationError, 401, "authentication_error"),
        ("missing-model", NotFoundError, 404, "not_found_error"),
        ("sandbox-error-429", RateLimitError, 429, "rate_limit_error"),
        ("sandbox-error-quota", RateLimitError, 429, "rate_limit_error"),
        ("sandbox-error-500", InternalServerError, 500, "api_error"),
        ("sandbox-error-503", OverloadedError, 529, "overloaded_error"),
    ],
)
async def test_a_model_name_asks_for_an_error(
    client: AsyncAnthropic, model: str, error: type[Exception], status: int, kind: str
) -> None:
    failure = await error_of(client, model)

    assert isinstance(failure, error)
    assert failure.status_code == status
    assert failure.type == kind
    assert failure.request_id is not None


@pytest.mark.parametrize("code", ErrorCode)
async def test_a_code_alone_is_an_error(
    client: AsyncAnthropic, sandbox: Sandbox, code: ErrorCode
) -> None:
    sandbox.play(Step(error=ErrorDetail(code=code)))

    failure = await error_of(client)

    assert failure.status_code >= 400
    assert failure.type is not None
    assert failure.api_message != "Internal server error"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (409, "conflict_error"),
        (413, "request_too_large"),
        (503, "api_error"),
        (504, "timeout_error"),
    ],
)
async def test_a_status_alone_is_an_error(
    client: AsyncAnthropic, sandbox: Sandbox, status: int, kind: str
) -> None:
    sandbox.play(Step(status=status))

    failure = await error_of(client)

    assert failure.status_code == status
    assert failure.type == kind


async def test_a_code_of_anthropics_own_is_a_detail(
    client: AsyncAnthropic, sandbox: Sandbox
) -> None:
    detail = ErrorDetail(code="contract_spend_limit_reached", message="No more.")
    sandbox.play(Step(status=429, error=detail))

    failure = await error_of(client)

    assert failure.body == {
        "type": "error",
        "error": {
            "type": "rate_limit_error",
            "message": "No more.",
            "details": {"error_code": "contract_spend_limit_reached"},
        },
        "request_id": failure.request_id,
    }
    assert "retry-after" not in failure.response.headers


async def test_a_type_is_sent_as_written(
    client: AsyncAnthropic, sandbox: Sandbox
) -> None:
    sandbox.play(Step(status=418, error=ErrorDetail(type="teapot_error")))

    failure = await error_of(client)

    assert "teapot_error" in failure.message


async def test_a_rate_limit_says_when_to_come_back(client: AsyncAnthropic) -> None:
    failure = await error_of(client, "sandbox-error-429")

    assert failure.response.headers["retry-after"] == "1"
    assert failure.response.headers["anthropic-ratelimit-requests-remaining"] == "0"


async def test_a_spent_budget_does_not_say_when_to_come_back(
    client: AsyncAnthropic,
) -> None:
    failure = await error_of(client, "sandbox-error-quota")

    assert failure.error_code == "enforced_spend_limit_reached"
    assert "retry-after" not in failure.response.headers


async def test_the_client_rides_out_a_rate_limit(
    client: AsyncAnthropic, sandbox: Sandbox
) -> None:
    sandbox.play(Step(status=429, headers={"retry-after-ms": "1"}, repeat=2))

    await ask(client.with_options(max_retries=2))

    assert [
        request.headers["x-stainless-retry-count"] for request in sandbox.requests
    ] == ["0", "1", "2"]


async def test_the_answer_carries_the_headers_of_anthropic(
    client: AsyncAnthropic,
) -> None:
    raw = await client.messages.with_raw_response.create(
        model="m", max_tokens=9, messages=[{"role": "user", "content": "Hello!"}]
    )

    assert raw.headers["x-sandbox-provider"] == "true"
    assert raw.headers["request-id"].startswith("req_")
    assert raw.headers["anthropic-organization-id"] == "ag2trust-sandbox"
    for subject in ("requests", "tokens", "input-tokens", "output-tokens"):
        for fact in ("limit", "remaining", "reset"):
            assert f"anthropic-ratelimit-{subject}-{fact}" in raw.headers


async def test_a_raw_body_is_sent_in_place_of_an_error(
    client: AsyncAnthropic, sandbox: Sandbox
) -> None:
    sandbox.play(Step(status=502, raw_body="<h1>Bad Gateway</h1>"))

    failure = await error_of(client)

    assert failure.response.text == "<h1>Bad Gateway</h1>"
    assert failure.response.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [("/v1/v1/messages", 404, "not_found_error"), ("/v1/models", 405, None)],
)
async def test_what_is_not_there_is_refused_in_the_shape_of_anthropic(
    client: AsyncAnthropic, path: str, status: int, kind: str | None
) -> None:
    with pytest.raises(anthropic.APIStatusError) as failure:
        await client.post(path, body={}, cast_to=object)

    assert failure.value.status_code == status
    assert failure.value.type == (kind or "invalid_request_error")
    assert failure.value.api_message is not None
    assert path in failure.value.api_message


async def look(client: AsyncAnthropic, **headers: str | Omit) -> None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    await client.models.list(extra_headers=named)


async def test_only_accepted_keys_are_accepted() -> None:
    async with (
        serving(accepted_keys={"right"}) as sandbox,
        AsyncAnthropic(base_url=sandbox.anthropic_base_url, api_key="right") as client,
    ):
        await look(client)

        with pytest.raises(AuthenticationError, match="invalid x-api-key"):
            await look(client.with_options(api_key="wrong"))

    assert sandbox.requests[0].headers["authorization"] == (
        f"Bearer {fingerprint('right')}"
    )


async def test_a_key_in_the_older_header_is_as_good() -> None:
    async with (
        serving(accepted_keys={"right"}) as sandbox,
        AsyncAnthropic(base_url=sandbox.anthropic_base_url, api_key="any") as client,
    ):
        await look(client, x_api_key="right", authorization=omit)

        with pytest.raises(AuthenticationError, match="invalid x-api-key"):
            await look(client, x_api_key="wrong", authorization=omit)

    assert "authorization" not in sandbox.requests[0].headers
    assert sandbox.requests[0].headers["x-api-key"] == fingerprint("right")


async def test_two_credentials_are_refused(client: AsyncAnthropic) -> None:
    with pytest.raises(AuthenticationError, match="must not both be sent"):
        await look(client, x_api_key="any")


async def test_a_request_without_a_key_is_refused(client: AsyncAnthropic) -> None:
    with pytest.raises(AuthenticationError, match="header is required"):
        await look(client, authorization="Basic any")


@pytest.mark.parametrize("version", ["", "2020-01-01"])
async def test_an_unknown_version_is_refused(
    client: AsyncAnthropic, version: str
) -> None:
    with pytest.raises(BadRequestError, match="is not a version"):
        await look(client, anthropic_version=version)


async def test_a_version_is_required(client: AsyncAnthropic) -> None:
    with pytest.raises(BadRequestError, match="header is required"):
        await look(client, anthropic_version=omit)
