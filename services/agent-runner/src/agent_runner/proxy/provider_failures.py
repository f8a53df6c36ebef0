"""Telling the ways apart in which a provider's answer does not come."""

from agent_runner.http.errors import (
    ConnectingTimedOutError,
    ForbiddenAddressError,
)
from agent_runner.server_sent_events import EventTooLongError
from shared.contracts.base import Explanation
from shared.errors import UpstreamError
from shared.provider_errors.on_the_way import (
    ANSWER_TOO_LARGE,
    CUT_SHORT,
    FORBIDDEN_ADDRESS,
    REDIRECTED,
    TIMED_OUT,
    UNREACHABLE,
)

from .bedrock.event_stream import BrokenFrameError

__all__ = [
    "FAILURES",
    "AnswerTooLargeError",
    "ProviderFailedError",
    "RedirectedError",
    "failure_of",
]


class ProviderFailedError(UpstreamError):
    """No answer of the provider can be passed on; told by the explanation's code."""

    def __init__(self, explanation: Explanation) -> None:
        super().__init__(explanation.message)
        self.code = explanation.code
        self.explanation = explanation


class AnswerTooLargeError(Exception):
    """An answer in one piece is over 64 MiB."""


class RedirectedError(Exception):
    """The provider says to ask elsewhere."""


FAILURES = (
    OSError,
    AnswerTooLargeError,
    BrokenFrameError,
    EventTooLongError,
    RedirectedError,
)
"""What `failure_of` explains."""


def failure_of(error: Exception, *, has_answered: bool) -> Explanation:
    """Explain one of `FAILURES`, before or after the answer began."""
    match error:
        case AnswerTooLargeError() | EventTooLongError():
            return ANSWER_TOO_LARGE
        case RedirectedError():
            return REDIRECTED
        case ForbiddenAddressError():
            return FORBIDDEN_ADDRESS
        case ConnectingTimedOutError():
            return UNREACHABLE
        case TimeoutError():
            return TIMED_OUT
        case _:
            return CUT_SHORT if has_answered else UNREACHABLE
