import openai
import pytest
from openai import AsyncOpenAI

from ag2trust_sandbox import ErrorCode, ErrorDetail, Sandbox, Step, serving


async def ask(client: AsyncOpenAI, model: str = "gpt-4o") -> str | None:
    answer = await client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": "Hello!"}]
    )
    return answer.choices[0].message.content


async def error_of(client: AsyncOpenAI, model: str = "gpt-4o") -> openai.APIStatusError:
    with pytest.raises(openai.APIStatusError) as failure:
        await ask(client, model)
    return failure.value


@pytest.mark.parametrize(
    ("model", "status", "kind", "code"),
    [
        ("sandbox-error-400", 400, "invalid_request_error", "context_length_exceeded"),
        ("sandbox-error-401", 401, "invalid_request_error", "invalid_api_key"),
        ("missing-model", 404, "invalid_request_error", "model_not_found"),
        ("sandbox-error-429", 429, "requests", "rate_limit_exceeded"),
        ("sandbox-error-quota", 429, "insufficient_quota", "insufficient_quota"),
        ("sandbox-error-500", 500, "server_error", None),
        ("sandbox-error-503", 503, "service_unavailable_error", "server_is_overloaded"),
    ],
)
async def test_a_model_name_asks_for_an_error(
    client: AsyncOpenAI, model: str, status: int, kind: str, code: str | None
) -> None:
    failure = await error_of(client, model)

    assert failure.status_code == status
    assert failure.type == kind
    assert failure.code == code
    assert failure.request_id is not None


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError),
        (403, openai.PermissionDeniedError),
        (409, openai.ConflictError),
        (422, openai.UnprocessableEntityError),
        (504, openai.InternalServerError),
    ],
)
async def test_a_status_alone_is_an_error(
    client: AsyncOpenAI,
    sandbox: Sandbox,
    status: int,
    error: type[openai.APIStatusError],
) -> None:
    sandbox.play(Step(status=status))

    failure = await error_of(client)

    assert type(failure) is error
    assert failure.type in {"invalid_request_error", "server_error"}
    assert failure.code is None


async def test_a_rate_limit_says_when_to_come_back(client: AsyncOpenAI) -> None:
    failure = await error_of(client, "sandbox-error-429")

    assert failure.response.headers["retry-after"] == "1"
    assert failure.response.headers["x-ratelimit-remaining-requests"] == "0"


async def test_an_exhausted_quota_does_not_say_when_to_come_back(
    client: AsyncOpenAI,
) -> None:
    failure = await error_of(client, "sandbox-error-quota")

    assert "retry-after" not in failure.response.headers


async def test_the_client_rides_out_a_rate_limit(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    sandbox.play(Step(status=429, headers={"retry-after-ms": "1"}, repeat=2))

    answer = await ask(client.with_options(max_retries=2))

    assert answer is not None
    assert [
        request.headers["x-stainless-retry-count"] for request in sandbox.requests
    ] == ["0", "1", "2"]


async def test_a_scripted_error_is_completed_from_its_code(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    sandbox.play(Step(status=429, error=ErrorDetail(code="insufficient_quota")))

    failure = await error_of(client)

    assert failure.type == "insufficient_quota"
    assert "quota" in failure.message


@pytest.mark.parametrize("code", ErrorCode)
async def test_a_code_alone_is_an_error(
    client: AsyncOpenAI, sandbox: Sandbox, code: ErrorCode
) -> None:
    sandbox.play(Step(error=ErrorDetail(code=code)))

    failure = await error_of(client)

    assert failure.code == code
    assert failure.status_code >= 400


async def test_a_written_status_wins_over_the_one_of_the_code(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    sandbox.play(Step(status=403, error=ErrorDetail(code="model_not_found")))

    failure = await error_of(client)

    assert failure.status_code == 403
    assert failure.code == "model_not_found"


async def test_a_scripted_error_is_sent_as_far_as_written(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    detail = ErrorDetail(message="Slow down.", type="mine", param="n", code=None)
    sandbox.play(Step(status=429, error=detail))

    failure = await error_of(client)

    assert failure.body == {
        "message": "Slow down.",
        "type": "mine",
        "param": "n",
        "code": None,
    }


async def test_a_raw_body_is_sent_in_place_of_an_error(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    sandbox.play(Step(status=502, raw_body="<h1>Bad Gateway</h1>"))

    failure = await error_of(client)

    assert failure.response.text == "<h1>Bad Gateway</h1>"
    assert failure.response.headers["content-type"] == "text/html; charset=utf-8"


async def test_a_redirect_is_sent_to_be_followed(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    elsewhere = f"{sandbox.base_url}/chat/completions?again"
    sandbox.play(Step(status=307, headers={"location": elsewhere}))

    await ask(client)

    assert [request.path for request in sandbox.requests] == [
        "/v1/chat/completions",
        "/v1/chat/completions?again",
    ]


async def test_the_answer_carries_the_headers_of_openai(client: AsyncOpenAI) -> None:
    raw = await client.chat.completions.with_raw_response.create(
        model="gpt-4o", messages=[{"role": "user", "content": "Hello!"}]
    )

    assert raw.headers["x-sandbox-provider"] == "true"
    assert raw.headers["x-request-id"].startswith("req_")
    assert raw.headers["openai-processing-ms"] == "0"
    assert raw.headers["openai-version"] == "2020-10-01"
    for subject in ("requests", "tokens"):
        for fact in ("limit", "remaining", "reset"):
            assert f"x-ratelimit-{fact}-{subject}" in raw.headers


async def test_scripted_headers_win(client: AsyncOpenAI, sandbox: Sandbox) -> None:
    sandbox.play(Step(status=500, headers={"x-should-retry": "false"}))

    failure = await error_of(client.with_options(max_retries=2))

    assert failure.response.headers["x-should-retry"] == "false"
    assert sandbox.request_count == 1


async def test_only_accepted_keys_are_accepted() -> None:
    key, wrong_key = "sk-test-right-0123456789", "sk-test-wrong-0123456789"
    async with (
        serving(accepted_keys={key}) as sandbox,
        AsyncOpenAI(base_url=sandbox.base_url, api_key=key) as client,
    ):
        sandbox.play(Step(content="Yes."))

        failure = await error_of(client.with_options(api_key=wrong_key))

        assert failure.status_code == 401
        assert failure.code == "invalid_api_key"
        assert wrong_key not in failure.message
        assert await ask(client) == "Yes."


async def test_a_request_without_a_key_is_refused(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.AuthenticationError, match="didn't provide") as failure:
        await client.get(
            "/models", cast_to=object, options={"headers": {"Authorization": "Basic x"}}
        )

    assert failure.value.code is None


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("GET", "/nothing", 404, r"Invalid URL \(GET /v1/nothing\)"),
        ("GET", "/chat/completions", 405, "Not allowed to GET on /v1/chat/completions"),
    ],
)
async def test_what_is_not_there_is_refused_in_the_shape_of_openai(
    client: AsyncOpenAI, method: str, path: str, status: int, message: str
) -> None:
    with pytest.raises(openai.APIStatusError, match=message) as failure:
        await client.request(
            cast_to=object,
            options=openai._models.FinalRequestOptions(method=method, url=path),
        )

    assert failure.value.status_code == status
    assert failure.value.type == "invalid_request_error"


async def test_a_body_beyond_64_mebibytes_is_too_large(client: AsyncOpenAI) -> None:
    body = b" " * (64 * 1024**2 + 1)

    with pytest.raises(openai.APIStatusError) as failure:
        await client.post("/chat/completions", content=body, cast_to=object)

    assert failure.value.status_code == 413
    assert failure.value.type == "invalid_request_error"


async def test_only_get_reads_models(client: AsyncOpenAI) -> None:
    answer = await client._client.head(f"{client.base_url}models")

    assert answer.status_code == 405
