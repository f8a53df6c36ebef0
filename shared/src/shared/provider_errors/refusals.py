"""What we refuse ourselves, with cause and fix: a table by error code."""

from collections.abc import Mapping
from typing import NamedTuple

from shared.contracts.base import Explanation

__all__ = ["REFUSALS", "Refusal", "explained_refusal"]


class Refusal(NamedTuple):
    """What a code means; *status* is that of the HTTP answer."""

    status: int
    cause: str
    fix: str
    retryable: bool


REFUSALS: Mapping[str, Refusal] = {
    "RATE_LIMITED": Refusal(
        status=429,
        cause="A limit that was set here is used up: of the provider, or of the agent.",
        fix="Wait as long as Retry-After says, call less often, or raise the limit; it"
        " applies at once.",
        retryable=True,
    ),
    "LIMIT_TOO_SMALL": Refusal(
        status=429,
        cause="The call alone may take more than its limit or budget ever allows.",
        fix="Ask for fewer output tokens (max_tokens), send less, or raise the limit.",
        retryable=False,
    ),
    "BUDGET_SPENT": Refusal(
        status=429,
        cause="A budget has too little left for the most that the call may take.",
        fix="Raise the budget, ask for fewer output tokens, or wait for the next one.",
        retryable=False,
    ),
    "OUTPUT_LIMIT_REQUIRED": Refusal(
        status=400,
        cause="A limit or budget counts the call, which does not say how many tokens it"
        " may make at the most, so nothing can be reserved for it.",
        fix="Name max_tokens in the request, or what its format calls it. For OpenAI"
        " requests that name none, the agent type's max_tokens stands in.",
        retryable=False,
    ),
    "MODEL_NOT_PRICED": Refusal(
        status=403,
        cause="A budget in dollars counts the call, and its model has no price.",
        fix="Give the model a price (PUT /api/prices), or count tokens instead.",
        retryable=False,
    ),
    "TOOL_NOT_FOUND": Refusal(
        status=404,
        cause="The version of the agent type that the agent runs has no such tool.",
        fix="Give the agent type the tool, then restart the agent.",
        retryable=False,
    ),
    "TOOL_ARGUMENTS_INVALID": Refusal(
        status=422,
        cause="The model called the tool with what the tool does not take.",
        fix="The model is told and may try again; if it lasts, allow more in the tool's"
        " settings, or tell the model in the system prompt what the tool takes.",
        retryable=False,
    ),
    "TOOL_DESTINATION_FORBIDDEN": Refusal(
        status=403,
        cause="The URL, or one it redirects to, is a provider's or none of the tool's"
        " hosts, or leads into a network that tools may not reach.",
        fix="Add the host to the hosts of the agent type's http_request, if agents may"
        " ask it; private networks are opened by a setting of the agent-runner.",
        retryable=False,
    ),
    "MCP_TOOL_CHANGED": Refusal(
        status=409,
        cause="The MCP server describes the tool otherwise than somebody approved, or"
        " does not list it any more.",
        fix="Look at the change (GET /api/mcp-servers/{id}/tools) and approve it, if it"
        " may be told to models; agents have the tool again at once.",
        retryable=False,
    ),
    "MCP_SERVER_CALL_FAILED": Refusal(
        status=502,
        cause="The MCP server could not be reached, refused its token, or did not"
        " answer as MCP over streamable HTTP says.",
        fix="See that the URL is its MCP endpoint and the token is valid. A server in a"
        " private network needs a setting of the agent-runner.",
        retryable=True,
    ),
    "TOOL_SECRET_REFUSED": Refusal(
        status=403,
        cause="The URL, a header or the body holds a provider's secret or the agent's"
        " token.",
        fix="See how the model came to know it; sealed credential delivery keeps a"
        " provider's secret out of the agent.",
        retryable=False,
    ),
}


def explained_refusal(code: str, message: str) -> Explanation:
    """Explain a refusal of `REFUSALS`."""
    meaning = REFUSALS[code]
    return Explanation(
        code=code,
        message=message,
        cause=meaning.cause,
        fix=meaning.fix,
        retryable=meaning.retryable,
    )
