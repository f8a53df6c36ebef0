"""What more than one provider reports, each meaning once."""

from dataclasses import replace

from .rows import Meaning

__all__ = [
    "ACCESS_DENIED",
    "CONFLICT",
    "CONTENT_FILTERED",
    "CONTEXT_TOO_LONG",
    "CREDENTIALS_EXPIRED",
    "INVALID_API_KEY",
    "INVALID_CREDENTIALS",
    "INVALID_REQUEST",
    "MODEL_NOT_AVAILABLE",
    "NOT_FOUND",
    "OVERLOADED",
    "PERMISSION_DENIED",
    "PROVIDER_ERROR",
    "QUOTA_EXHAUSTED",
    "RATE_LIMITED",
    "REQUEST_TOO_LARGE",
    "TIMEOUT",
    "told",
]

INVALID_REQUEST = Meaning(
    "INVALID_REQUEST",
    "The provider does not accept the request's parameters.",
    "Correct the request as the provider's message says.",
)
CONTEXT_TOO_LONG = Meaning(
    "CONTEXT_TOO_LONG",
    "The prompt and the output limit do not fit the model's context window.",
    "Shorten the conversation, lower the output limit, or choose a larger model.",
)
CONTENT_FILTERED = Meaning(
    "CONTENT_FILTERED",
    "The provider's policy refused the content.",
    "Change the content of the request.",
)
INVALID_API_KEY = Meaning(
    "INVALID_API_KEY",
    "The provider does not accept the key: mistyped, revoked or expired.",
    "Replace the provider's key.",
)
QUOTA_EXHAUSTED = Meaning(
    "QUOTA_EXHAUSTED",
    "The provider account has no credit left, or reached its spend limit.",
    "Top up or raise the limit in the provider's console.",
)
PERMISSION_DENIED = Meaning(
    "PERMISSION_DENIED",
    "The key may not do this: project, region or model access.",
    "Grant the access in the provider's console.",
)
MODEL_NOT_AVAILABLE = Meaning(
    "MODEL_NOT_AVAILABLE",
    "The model is unknown, retired, or not open to this account.",
    "Choose a model that the provider lists for this key.",
)
NOT_FOUND = Meaning(
    "NOT_FOUND",
    "The provider has nothing at this path.",
    "Check the provider's base URL.",
)
CONFLICT = Meaning(
    "CONFLICT",
    "Another request was changing the same thing.",
    "Try again.",
    retryable=True,
)
REQUEST_TOO_LARGE = Meaning(
    "REQUEST_TOO_LARGE",
    "The request is larger than the provider takes.",
    "Shorten the conversation, or send smaller images.",
)
RATE_LIMITED = Meaning(
    "RATE_LIMITED",
    "The account's requests or tokens per minute are used up.",
    "Wait as Retry-After says, reduce the load, or raise the provider's tier.",
    retryable=True,
)
OVERLOADED = Meaning(
    "OVERLOADED",
    "The provider is overloaded.",
    "Try again later, or give the agent type a fallback.",
    retryable=True,
)
TIMEOUT = Meaning(
    "TIMEOUT",
    "The provider took too long.",
    "Try again; stream long answers.",
    retryable=True,
)
PROVIDER_ERROR = Meaning(
    "PROVIDER_ERROR",
    "The provider failed.",
    "Try again; if it lasts, see the provider's status page.",
    retryable=True,
)
ACCESS_DENIED = Meaning(
    "ACCESS_DENIED",
    "A policy of AWS does not allow this.",
    "Allow the action in the IAM policy of these credentials.",
)
INVALID_CREDENTIALS = Meaning(
    "INVALID_CREDENTIALS",
    "AWS does not accept the credentials.",
    "Check the access key id, the secret access key and the session token.",
)
CREDENTIALS_EXPIRED = Meaning(
    "CREDENTIALS_EXPIRED",
    "The session token has expired; AWS ends them after 15 minutes to 36 hours.",
    "Update the provider with fresh credentials.",
)


def told(meaning: Meaning, *, cause: str = "", fix: str = "") -> Meaning:
    """Tell *meaning* with a cause or a fix that fits one failure better."""
    return replace(meaning, cause=cause or meaning.cause, fix=fix or meaning.fix)
