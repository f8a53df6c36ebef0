import json

import aiohttp
import pytest

from agent_runner.proxy.openai_refusals import refusal
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
    response = refusal(ModelNotAllowedError("Not this one."), "req-1")

    assert response.status == 403
    assert response.text is not None
    assert json.loads(response.text) == {
        "error": {
            "message": "Not this one.",
            "type": "permission_error",
            "param": None,
            "code": "model_not_allowed",
        }
    }
    assert response.headers["x-ag2trust-error"] == "MODEL_NOT_ALLOWED"
    assert response.headers["x-request-id"] == "req-1"


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (ModelNotAllowedError("no"), "false"),
        (SpoolFullError("later"), None),
        (UnavailableError("later"), None),
        (AppError(), None),
        (LimitedError("later", retry_after_seconds=3), None),
    ],
)
def test_a_client_is_told_not_to_retry_where_that_is_useless(
    error: AppError, advice: str | None
) -> None:
    assert refusal(error, "req-1").headers.get("x-should-retry") == advice


@pytest.mark.parametrize(("seconds", "told"), [(0, "1"), (0.2, "1"), (2.1, "3")])
def test_a_client_is_told_when_to_come_back(seconds: float, told: str) -> None:
    error = LimitedError("later", retry_after_seconds=seconds)

    assert refusal(error, "req-1").headers["retry-after"] == told


@pytest.mark.parametrize(
    ("cause", "code", "advice"),
    [
        (aiohttp.ServerDisconnectedError(), "UPSTREAM_UNREACHABLE", None),
        (RedirectedError(), "REDIRECT_REFUSED", "false"),
    ],
)
def test_a_failure_of_the_provider_says_itself_if_trying_again_helps(
    cause: Exception, code: str, advice: str | None
) -> None:
    failure = ProviderFailedError(failure_of(cause, has_answered=False))

    response = refusal(failure, "req-1")

    assert response.status == 502
    assert response.headers["x-ag2trust-error"] == code
    assert response.headers.get("x-should-retry") == advice
