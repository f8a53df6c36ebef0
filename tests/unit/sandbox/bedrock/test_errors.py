import asyncio
from typing import Any

import pytest
from aiohttp import ClientSession
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from ag2trust_sandbox import ErrorCode, ErrorDetail, Fault, Sandbox, Step

from .aws import runtime

HELLO = {"role": "user", "content": [{"text": "Hello!"}]}


async def ask(client: Any, model: str = "us.anthropic.claude-opus-5-5") -> Any:
    return await asyncio.to_thread(
        lambda: client.converse(modelId=model, messages=[HELLO])
    )


async def error_of(
    client: Any, model: str = "us.anthropic.claude-opus-5-5"
) -> ClientError:
    with pytest.raises(ClientError) as failure:
        await ask(client, model)
    return failure.value


def code_of(failure: ClientError) -> tuple[int, str]:
    response = failure.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


@pytest.mark.parametrize(
    ("model", "status", "name"),
    [
        ("sandbox-error-400", 400, "ValidationException"),
        ("sandbox-error-401", 403, "UnrecognizedClientException"),
        ("missing-model", 404, "ResourceNotFoundException"),
        ("sandbox-error-429", 429, "ThrottlingException"),
        ("sandbox-error-quota", 400, "ServiceQuotaExceededException"),
        ("sandbox-error-500", 500, "InternalServerException"),
        ("sandbox-error-503", 503, "ServiceUnavailableException"),
    ],
)
async def test_a_model_name_asks_for_an_error(
    client: Any, model: str, status: int, name: str
) -> None:
    failure = await error_of(client, model)

    assert code_of(failure) == (status, name)
    assert failure.response["ResponseMetadata"]["RequestId"]


async def test_an_error_is_raised_in_the_clients_own_class(client: Any) -> None:
    failure = await error_of(client, "sandbox-error-429")

    assert isinstance(failure, client.exceptions.ThrottlingException)
    assert failure.response["message"].startswith("Too many requests")


@pytest.mark.parametrize("code", ErrorCode)
async def test_a_code_alone_is_an_error(
    client: Any, sandbox: Sandbox, code: ErrorCode
) -> None:
    sandbox.play(Step(error=ErrorDetail(code=code)))

    failure = await error_of(client)

    assert code_of(failure)[0] >= 400
    assert code_of(failure)[1] != "InternalServerException"


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "ValidationException"),
        (403, "AccessDeniedException"),
        (408, "ModelTimeoutException"),
        (424, "ModelErrorException"),
        (418, "ValidationException"),
        (529, "overloaded_error"),
        (504, "InternalServerException"),
    ],
)
async def test_a_status_alone_is_an_error(
    client: Any, sandbox: Sandbox, status: int, name: str
) -> None:
    sandbox.play(Step(status=status))

    failure = await error_of(client)

    assert code_of(failure) == (status, name)


async def test_an_exception_is_sent_as_written(client: Any, sandbox: Sandbox) -> None:
    detail = ErrorDetail(type="ModelNotReadyException", message="Warming up.")
    sandbox.play(Step(status=429, error=detail))

    failure = await error_of(client)

    assert isinstance(failure, client.exceptions.ModelNotReadyException)
    assert failure.response["Error"]["Message"] == "Warming up."


async def test_the_client_rides_out_what_it_retries(sandbox: Sandbox) -> None:
    sandbox.play(Step(status=503, repeat=2))

    with runtime(sandbox, attempts=3) as client:
        await ask(client)

    told = [request.headers["amz-sdk-request"] for request in sandbox.requests]
    attempts = [each.partition("attempt=")[2].partition(";")[0] for each in told]
    assert attempts == ["1", "2", "3"]


async def test_the_client_does_not_retry_an_overloaded_model(sandbox: Sandbox) -> None:
    sandbox.play(Step(status=529, headers={"x-should-retry": "true"}))

    with runtime(sandbox, attempts=3) as client:
        await error_of(client)

    assert sandbox.request_count == 1


async def test_a_raw_body_is_sent_in_place_of_an_error(
    client: Any, sandbox: Sandbox
) -> None:
    sandbox.play(Step(status=502, raw_body="<h1>Bad Gateway</h1>"))

    failure = await error_of(client)

    assert code_of(failure)[0] == 502
    headers = failure.response["ResponseMetadata"]["HTTPHeaders"]
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert "x-amzn-errortype" not in headers


async def test_the_answer_carries_the_headers_of_bedrock(client: Any) -> None:
    answer = await ask(client)

    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-sandbox-provider"] == "true"
    assert len(headers["x-amzn-requestid"]) == 36
    assert answer["ResponseMetadata"]["RequestId"] == headers["x-amzn-requestid"]


async def test_a_connection_can_close_before_the_first_byte(
    client: Any, sandbox: Sandbox
) -> None:
    sandbox.play(Step(fault=Fault.CUT_BEFORE_FIRST_BYTE))

    with pytest.raises(ConnectionClosedError):
        await ask(client)


async def test_a_client_gives_up_on_silence(sandbox: Sandbox) -> None:
    sandbox.play(Step(fault=Fault.HANG))

    with (
        runtime(sandbox, read_timeout=0.2) as client,
        pytest.raises(ReadTimeoutError),
    ):
        await ask(client)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "/model/m/guess", 404), ("GET", "/model/m/converse", 405)],
)
async def test_what_is_not_there_is_refused_in_the_shape_of_bedrock(
    sandbox: Sandbox, method: str, path: str, status: int
) -> None:
    async with (
        ClientSession() as session,
        session.request(method, f"{sandbox.bedrock_endpoint_url}{path}") as response,
    ):
        answer = await response.json()

    assert response.status == status
    assert "x-amzn-errortype" in response.headers
    assert f"/bedrock{path}" in answer["message"]
