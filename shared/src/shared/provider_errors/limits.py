"""What our own limits refuse, with cause and fix: a table by error code."""

from collections.abc import Mapping
from typing import NamedTuple

from shared.contracts.base import Explanation

__all__ = ["LIMIT_REFUSALS", "LimitRefusal", "explained_refusal"]


class LimitRefusal(NamedTuple):
    """What a code means; *status* is that of the HTTP answer."""

    status: int
    cause: str
    fix: str
    retryable: bool


LIMIT_REFUSALS: Mapping[str, LimitRefusal] = {
    "RATE_LIMITED": LimitRefusal(
        status=429,
        cause="A limit that was set here is used up: of the provider, or of the agent.",
        fix="Wait as long as Retry-After says, call less often, or raise the limit; it"
        " applies at once.",
        retryable=True,
    ),
    "LIMIT_TOO_SMALL": LimitRefusal(
        status=429,
        cause="The call alone may take more than its limit or budget ever allows.",
        fix="Ask for fewer output tokens (max_tokens), send less, or raise the limit.",
        retryable=False,
    ),
    "BUDGET_SPENT": LimitRefusal(
        status=429,
        cause="A budget has too little left for the most that the call may take.",
        fix="Raise the budget, ask for fewer output tokens, or wait for the next one.",
        retryable=False,
    ),
    "OUTPUT_LIMIT_REQUIRED": LimitRefusal(
        status=400,
        cause="A limit or budget counts the call, which does not say how many tokens it"
        " may make at the most, so nothing can be reserved for it.",
        fix="Name max_tokens in the request, or what its format calls it. For OpenAI"
        " requests that name none, the agent type's max_tokens stands in.",
        retryable=False,
    ),
    "MODEL_NOT_PRICED": LimitRefusal(
        status=403,
        cause="A budget in dollars counts the call, and its model has no price.",
        fix="Give the model a price (PUT /api/prices), or count tokens instead.",
        retryable=False,
    ),
}


def explained_refusal(code: str, message: str) -> Explanation:
    """Explain a refusal of `LIMIT_REFUSALS`."""
    meaning = LIMIT_REFUSALS[code]
    return Explanation(
        code=code,
        message=message,
        cause=meaning.cause,
        fix=meaning.fix,
        retryable=meaning.retryable,
    )
