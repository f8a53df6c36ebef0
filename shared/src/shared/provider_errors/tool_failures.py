"""Why a tool call did not give what was wanted, told by its code alone.

What the tool was asked, and what it said, is in no explanation: neither is kept.
"""

from collections.abc import Sequence

from shared.contracts.base import Explanation

from .refusals import REFUSALS, explained_refusal

__all__ = ["TOOL_FAILURES", "explained_tool_call"]

TOOL_FAILURES: Sequence[Explanation] = (
    Explanation(
        code="TOOL_FAILED",
        message="The MCP server says that its tool failed.",
        cause="The tool could not do what the model asked of it; the model was told.",
        fix="See the server's own log for the time of the call.",
        retryable=True,
    ),
    Explanation(
        code="TOOL_NO_ANSWER",
        message="The tool got no answer that can be used.",
        cause="The host could not be reached, broke off, refused the token, or answered"
        " with more than the tool takes.",
        fix="See that the host is up and the URL right; raise max_response_bytes of the"
        " tool if its answers are long.",
        retryable=True,
    ),
    Explanation(
        code="TOOL_TIMED_OUT",
        message="The tool did not answer in time.",
        cause="The host is slow, or the network lost the connection.",
        fix="Try again; raise timeout_seconds of the tool if it takes as long.",
        retryable=True,
    ),
)
"""What a tool fails of once it runs."""

_BY_CODE = {each.code: each for each in TOOL_FAILURES}


def explained_tool_call(code: str) -> Explanation:
    """Explain why a tool call failed, or was refused when it ran already."""
    if failure := _BY_CODE.get(code):
        return failure
    if code in REFUSALS:
        return explained_refusal(code, "The tool call was refused while it ran.")
    return Explanation(
        code=code,
        message="The tool call was refused while it ran.",
        cause="Something on our side that the tool needs was not to be had.",
        fix="See the agent-runner's log for the time of the call.",
        retryable=True,
    )
