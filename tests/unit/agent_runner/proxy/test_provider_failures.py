import aiohttp
import pytest

from agent_runner.proxy.provider_failures import (
    FAILURES,
    AnswerTooLargeError,
    RedirectedError,
    failure_of,
)
from agent_runner.proxy.server_sent_events import EventTooLongError
from agent_runner.proxy.upstream import ForbiddenAddressError


def caused_by(cause: OSError) -> Exception:
    """Make what the HTTP client raises `from` the refusal of a socket."""
    error = aiohttp.ClientOSError()
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "has_answered", "code"),
    [
        (aiohttp.ClientOSError(), False, "UPSTREAM_UNREACHABLE"),
        (ConnectionRefusedError(), False, "UPSTREAM_UNREACHABLE"),
        (aiohttp.ServerDisconnectedError(), False, "UPSTREAM_UNREACHABLE"),
        (aiohttp.ConnectionTimeoutError(), False, "UPSTREAM_UNREACHABLE"),
        (aiohttp.InvalidURL("x"), False, "UPSTREAM_UNREACHABLE"),
        (caused_by(ForbiddenAddressError()), False, "BASE_URL_FORBIDDEN"),
        (aiohttp.SocketTimeoutError(), False, "TIMEOUT"),
        (aiohttp.SocketTimeoutError(), True, "TIMEOUT"),
        (TimeoutError(), True, "TIMEOUT"),
        (aiohttp.ClientPayloadError(), True, "STREAM_INTERRUPTED"),
        (aiohttp.ClientOSError(), True, "STREAM_INTERRUPTED"),
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
