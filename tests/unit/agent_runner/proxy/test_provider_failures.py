import pytest

from agent_runner.http.errors import (
    BrokenAnswerError,
    ConnectingFailedError,
    ConnectingTimedOutError,
    ForbiddenAddressError,
    MalformedAnswerError,
    SilentError,
)
from agent_runner.proxy.provider_failures import (
    FAILURES,
    AnswerTooLargeError,
    RedirectedError,
    failure_of,
)
from agent_runner.server_sent_events import EventTooLongError


@pytest.mark.parametrize(
    ("error", "has_answered", "code"),
    [
        (ConnectingFailedError(), False, "UPSTREAM_UNREACHABLE"),
        (ConnectingTimedOutError(), False, "UPSTREAM_UNREACHABLE"),
        (BrokenAnswerError(), False, "UPSTREAM_UNREACHABLE"),
        (MalformedAnswerError(), False, "UPSTREAM_UNREACHABLE"),
        (ForbiddenAddressError(), False, "BASE_URL_FORBIDDEN"),
        (SilentError(), False, "TIMEOUT"),
        (SilentError(), True, "TIMEOUT"),
        (TimeoutError(), True, "TIMEOUT"),
        (BrokenAnswerError(), True, "STREAM_INTERRUPTED"),
        (MalformedAnswerError(), True, "STREAM_INTERRUPTED"),
        (ConnectionResetError(), True, "STREAM_INTERRUPTED"),
        (AnswerTooLargeError(), True, "ANSWER_TOO_LARGE"),
        (EventTooLongError(), True, "ANSWER_TOO_LARGE"),
        (RedirectedError(), True, "REDIRECT_REFUSED"),
    ],
)
def test_a_failure_is_told_by_what_was_raised_and_when(
    error: Exception, *, has_answered: bool, code: str
) -> None:
    assert isinstance(error, FAILURES)

    assert failure_of(error, has_answered=has_answered).code == code
