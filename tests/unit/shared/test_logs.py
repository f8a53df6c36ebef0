"""Logs: a line of JSON an event, and no secret, wherever it was put."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

CANARY = "sk-canary-41c7"

Line = dict[str, Any]
Find = Callable[..., Line]


@pytest.fixture(scope="module")
def output() -> str:
    """Return what a program says that logs everything that could hold a secret."""
    program = Path(__file__).with_name("indiscreet_program.py")
    ended = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-W", "error", str(program)],
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    )
    assert ended.stdout == ""
    return ended.stderr


@pytest.fixture(scope="module")
def lines(output: str) -> list[Line]:
    return [json.loads(line) for line in output.splitlines()]


@pytest.fixture(scope="module")
def find(lines: list[Line]) -> Find:
    """Return the one line whose facts are these."""

    def found(**facts: object) -> Line:
        (line,) = (each for each in lines if facts.items() <= each.items())
        return line

    return found


def test_no_line_holds_the_secret(output: str) -> None:
    assert CANARY not in output


def test_every_line_says_when_how_bad_and_who(lines: list[Line]) -> None:
    for line in lines:
        assert {"event", "level", "timestamp", "service"} <= line.keys()
        assert line["service"] == "sample"


def test_what_is_below_the_level_is_not_said(lines: list[Line]) -> None:
    assert "below.the_level" not in {line["event"] for line in lines}


def test_a_line_names_the_request_it_belongs_to(find: Find) -> None:
    assert find(event="own.event")["request_id"] == "request-1"
    assert find(message="Within a request")["request_id"] == "request-1"


def test_a_failure_says_its_classes_and_where(find: Find) -> None:
    line = find(event="own.failed", case="cause_holds_it")

    outer, cause = line["exception"]
    assert (outer["exc_type"], cause["exc_type"]) == (
        "RuntimeError",
        "ClientResponseError",
    )
    assert outer["frames"][-1]["name"] == "cause_holds_it"
    assert outer["frames"][-1]["lineno"] > 0


def test_a_group_says_what_is_in_it(find: Find) -> None:
    line = find(event="own.failed", case="group_holds_it")

    (group,) = line["exception"]
    (first,), (second,) = group["exceptions"]
    assert (first["exc_type"], second["exc_type"]) == ("ValueError", "ExceptionGroup")
    assert second["exceptions"][0][0]["exc_type"] == "KeyError"


def test_no_line_holds_the_locals_of_a_frame(lines: list[Line]) -> None:
    for line in lines:
        for frame in _frames(line.get("exception", [])):
            assert frame.keys() == {"filename", "lineno", "name"}


def test_a_library_is_quoted_without_what_it_put_into_its_words(find: Find) -> None:
    line = find(message="Password %s refused for %r")

    assert line["event"] == "library.logged"
    assert line["logger"] == "a.library"
    assert line["level"] == "warning"


def test_a_failure_that_nobody_waited_for_is_told(find: Find) -> None:
    line = find(message="Task exception was never retrieved")

    assert line["exception"][0]["exc_type"] == "ClientResponseError"
    assert line["level"] == "error"


def test_a_failed_callback_is_told_without_its_arguments(find: Find) -> None:
    line = find(message="Exception in callback _refuse")

    assert line["exception"][0]["frames"][-1]["name"] == "provider_refuses"


def test_a_library_with_a_level_of_its_own_is_heard(find: Find) -> None:
    assert find(message="At a level of its own")["level"]


def test_libraries_are_not_heard_below_a_warning(lines: list[Line]) -> None:
    assert "Password %s accepted" not in {line.get("message") for line in lines}


def _frames(stacks: list[Any]) -> Iterator[Line]:
    for stack in stacks:
        yield from stack["frames"]
        for inner in stack.get("exceptions", []):
            yield from _frames(inner)
