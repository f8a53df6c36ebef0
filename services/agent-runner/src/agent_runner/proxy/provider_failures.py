"""What goes wrong on the way to a provider and back, explained. A table.

What a provider itself says of its failures is in `openai_errors`.
"""

from collections.abc import Iterator

import aiohttp

from shared.contracts.base import Explanation
from shared.errors import UpstreamError

from .server_sent_events import EventTooLongError
from .upstream import ForbiddenAddressError

__all__ = [
    "CUT_SHORT",
    "FAILURES",
    "OURS",
    "AnswerTooLargeError",
    "ProviderFailedError",
    "RedirectedError",
    "failure_of",
]

CUT_SHORT = Explanation(
    code="STREAM_INTERRUPTED",
    message="The provider's answer broke off.",
    cause="The provider or the network closed the connection before the end.",
    fix="Try again; if it lasts, see the provider's status page.",
    retryable=True,
)
_REDIRECTED = Explanation(
    code="REDIRECT_REFUSED",
    message="The provider answered with a redirect, which is not followed.",
    cause="The base URL is not the provider's own; a key is sent to no other origin.",
    fix="Set the base URL to where the redirect leads, if you trust it.",
    retryable=False,
)
OURS = Explanation(
    code="INTERNAL_ERROR",
    message="Something went wrong on our side.",
    cause="A fault of the agent-runner.",
    fix="See its log for this request id, and report it.",
    retryable=True,
)
_UNREACHABLE = Explanation(
    code="UPSTREAM_UNREACHABLE",
    message="The provider could not be reached.",
    cause="Its address is wrong or nothing answers there.",
    fix="Check the provider's base URL and the runner's way to it.",
    retryable=True,
)
_FORBIDDEN = Explanation(
    code="BASE_URL_FORBIDDEN",
    message="The provider's address may not be reached.",
    cause="Its host name leads to a private, link-local, metadata or reserved address.",
    fix="Correct the base URL; private addresses can be allowed by the setting"
    " AG2TRUST_AGENT_RUNNER_ALLOW_PRIVATE_BASE_URLS.",
    retryable=False,
)
_TIMEOUT = Explanation(
    code="TIMEOUT",
    message="The provider did not answer in time.",
    cause="The provider is slow, or the network lost the connection.",
    fix="Try again; stream long answers.",
    retryable=True,
)
_TOO_LARGE = Explanation(
    code="ANSWER_TOO_LARGE",
    message="The provider's answer is too large.",
    cause="An answer in one piece has 64 MiB at most, an event of a stream 16 MiB.",
    fix="Ask for less at once.",
    retryable=False,
)


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
    aiohttp.ClientError,
    OSError,
    TimeoutError,
    AnswerTooLargeError,
    EventTooLongError,
    RedirectedError,
)
"""What `failure_of` explains."""


def failure_of(error: Exception, *, has_answered: bool) -> Explanation:
    """Explain one of `FAILURES`, before or after the answer began."""
    if any(isinstance(each, ForbiddenAddressError) for each in _origins(error)):
        return _FORBIDDEN
    match error:
        case AnswerTooLargeError() | EventTooLongError():
            return _TOO_LARGE
        case RedirectedError():
            return _REDIRECTED
        case aiohttp.ConnectionTimeoutError():
            return _UNREACHABLE
        case TimeoutError():
            return _TIMEOUT
        case _:
            return CUT_SHORT if has_answered else _UNREACHABLE


def _origins(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
