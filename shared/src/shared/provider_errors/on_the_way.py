"""What goes wrong between us and a provider, where no provider can say it."""

from shared.contracts.base import Explanation

__all__ = [
    "ANSWER_TOO_LARGE",
    "CUT_SHORT",
    "FORBIDDEN_ADDRESS",
    "NOT_UNDERSTOOD",
    "ON_THE_WAY",
    "OURS",
    "REDIRECTED",
    "TIMED_OUT",
    "UNREACHABLE",
]

CUT_SHORT = Explanation(
    code="STREAM_INTERRUPTED",
    message="The provider's answer broke off.",
    cause="The provider or the network closed the connection before the end.",
    fix="Try again; if it lasts, see the provider's status page.",
    retryable=True,
)
REDIRECTED = Explanation(
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
UNREACHABLE = Explanation(
    code="UPSTREAM_UNREACHABLE",
    message="The provider could not be reached.",
    cause="Its address is wrong or nothing answers there.",
    fix="Check the provider's base URL and the runner's way to it.",
    retryable=True,
)
FORBIDDEN_ADDRESS = Explanation(
    code="BASE_URL_FORBIDDEN",
    message="The provider's address may not be reached.",
    cause="Its host name leads to a private, link-local, metadata or reserved address.",
    fix="Correct the base URL; private addresses can be allowed by the setting"
    " AG2TRUST_AGENT_RUNNER_ALLOW_PRIVATE_BASE_URLS.",
    retryable=False,
)
TIMED_OUT = Explanation(
    code="TIMEOUT",
    message="The provider did not answer in time.",
    cause="The provider is slow, or the network lost the connection.",
    fix="Try again; stream long answers.",
    retryable=True,
)
ANSWER_TOO_LARGE = Explanation(
    code="ANSWER_TOO_LARGE",
    message="The provider's answer is too large.",
    cause="An answer in one piece has 64 MiB at most, an event of a stream 16 MiB.",
    fix="Ask for less at once.",
    retryable=False,
)
NOT_UNDERSTOOD = Explanation(
    code="ANSWER_NOT_UNDERSTOOD",
    message="What answers is not in the provider's format.",
    cause="The base URL leads to something else, or to another path of the provider.",
    fix="Check the base URL: OpenAI's ends in /v1, Anthropic's and Bedrock's do not.",
    retryable=False,
)

ON_THE_WAY = (
    UNREACHABLE,
    FORBIDDEN_ADDRESS,
    TIMED_OUT,
    REDIRECTED,
    CUT_SHORT,
    ANSWER_TOO_LARGE,
    NOT_UNDERSTOOD,
    OURS,
)
