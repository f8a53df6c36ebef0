"""What a tool call's code says of it."""

import pytest

from shared.provider_errors.refusals import REFUSALS
from shared.provider_errors.tool_failures import TOOL_FAILURES, explained_tool_call


@pytest.mark.parametrize("code", ["TOOL_FAILED", "TOOL_NO_ANSWER", "TOOL_TIMED_OUT"])
def test_what_a_tool_failed_of_has_a_row_of_its_own(code: str) -> None:
    assert explained_tool_call(code) in TOOL_FAILURES


def test_what_was_refused_has_the_cause_and_fix_of_its_refusal() -> None:
    explanation = explained_tool_call("MCP_TOOL_CHANGED")

    refusal = REFUSALS["MCP_TOOL_CHANGED"]
    assert (explanation.cause, explanation.fix) == (refusal.cause, refusal.fix)


def test_a_code_of_no_table_is_explained_too() -> None:
    explanation = explained_tool_call("SERVICE_UNAVAILABLE")

    assert explanation.code == "SERVICE_UNAVAILABLE"
    assert explanation.fix
