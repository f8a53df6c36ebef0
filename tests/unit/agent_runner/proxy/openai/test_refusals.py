import json

import aiohttp
import pytest

from agent_runner.proxy.headers import value_of
from agent_runner.proxy.openai.refusals import refusal
from agent_runner.proxy.provider_failures import (
    ProviderFailedError,
    RedirectedError,
    failure_of,
)
from shared.errors import (
    AppError,
    LimitedError,
    ModelNotAllowedError,
    SpoolFullError,
    UnavailableError,
)


def test_a_refusal_has_openais_shape() -> None:
    reply = refusal(ModelNotAllowedError("Not this one."), "req-1")

    assert reply.status == 403
    assert json.loads(reply.body) == {
        "error": {
            "message": "Not this one.",
            "type": "permission_error",
            "param": None,
            "code": "model_not_allowed",
        }
    }
    assert value_of(reply.fields, b"x-ag2trust-error") == "MODEL_NOT_ALLOWED"
    assert value_of(reply.fields, b"x-request-id") == "req-1"


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (ModelNotAllowedError("no"), "false"),
        (SpoolFullError("later"), ""),
        (UnavailableError("later"), ""),
        (AppError(), ""),
        (LimitedError("later", retry_after_seconds=3), ""),
        (LimitedError("later"), ""),
    ],
)
def test_a_client_is_told_not_to_retry_where_that_is_useless(
    error: AppError, advice: str
) -> None:
    reply = refusal(error, "req-1")

    assert value_of(reply.fields, b"x-should-retry") == advice


@pytest.mark.parametrize(("seconds", "told"), [(0, "1"), (0.2, "1"), (2.1, "3")])
def test_a_client_is_told_when_to_come_back(seconds: float, told: str) -> None:
    error = LimitedError("later", retry_after_seconds=seconds)

    assert value_of(refusal(error, "req-1").fields, b"retry-after") == told


@pytest.mark.parametrize(
    ("cause", "code", "advice"),
    [
        (aiohttp.ServerDisconnectedError(), "UPSTREAM_UNREACHABLE", ""),
        (RedirectedError(), "REDIRECT_REFUSED", "false"),
    ],
)
def test_a_failure_of_the_provider_says_itself_if_trying_again_helps(
    cause: Exception, code: str, advice: str
) -> None:
    failure = ProviderFailedError(failure_of(cause, has_answered=False))

    reply = refusal(failure, "req-1")

    assert reply.status == 502
    assert value_of(reply.fields, b"x-ag2trust-error") == code
    assert value_of(reply.fields, b"x-should-retry") == advice
