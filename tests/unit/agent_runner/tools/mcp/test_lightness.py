"""A runner holds the types of MCP only once it talks to a server."""

import subprocess
import sys

import pytest


def modules_after(import_: str) -> set[str]:
    """Name what a new process has loaded after *import_*."""
    program = f"import sys, {import_}; print(*sys.modules)"
    ran = subprocess.run(  # noqa: S603 - a fixed program
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    return set(ran.stdout.split())


@pytest.mark.parametrize(
    ("import_", "has_them"),
    [
        pytest.param("agent_runner.app", False, id="a runner"),
        pytest.param(
            "agent_runner.tools.mcp.conversation", True, id="the control: who talks"
        ),
    ],
)
def test_the_types_of_mcp_are_loaded_by_who_talks_to_a_server(
    import_: str, *, has_them: bool
) -> None:
    assert ("mcp_types" in modules_after(import_)) is has_them
