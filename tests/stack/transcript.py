"""A page's shell lines, typed in one shell, beside what the page says they print."""

import asyncio
import os
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Step", "missing", "steps_of", "typed"]

_STEP = re.compile(
    r"^```sh\n(.*?)^```(?:\n\n```text\n(.*?)^```)?", re.DOTALL | re.MULTILINE
)
_END = "=== end of a step ==="


@dataclass(frozen=True, slots=True)
class Step:
    """Lines that are typed, and those that the page says appear; `…` is any text."""

    lines: str
    shown: Sequence[str]


def steps_of(page: str) -> list[Step]:
    return [Step(lines, shown.splitlines()) for lines, shown in _STEP.findall(page)]


def missing(step: Step, output: str) -> list[str]:
    """Return what the page shows and *output* has not, however far it is spaced."""
    said = [" ".join(line.split()) for line in output.splitlines()]
    patterns = {
        line: ".*".join(re.escape(part) for part in " ".join(line.split()).split("…"))
        for line in step.shown
    }
    return [
        line
        for line, pattern in patterns.items()
        if not any(re.fullmatch(pattern, each) for each in said)
    ]


async def typed(
    steps: Sequence[Step], variables: Mapping[str, str], places: Mapping[str, str]
) -> list[str]:
    """Type *steps* where *places* (text to text) are others; return what each says."""
    script = f"\necho '{_END}'\n".join(step.lines for step in steps)
    for place, other in places.items():
        assert place in script
        script = script.replace(place, other)
    folder = Path(sys.executable).parent
    shell = await asyncio.create_subprocess_exec(
        *("bash", "-m", "-c", script),
        env={**variables, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"},
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
    )
    output, _ = await shell.communicate()
    return output.decode().split(_END)
