"""`ag2trust` as a person types it: words, variables, standard input."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from click.testing import CliRunner

from ag2trust.__main__ import main

from .whole import Whole

__all__ = ["Said", "Shell", "run_here"]


@dataclass(frozen=True, slots=True)
class Said:
    code: int
    output: str
    errors: str

    @property
    def json(self) -> Any:
        return json.loads(self.output)

    @property
    def rows(self) -> list[list[str]]:
        """The cells of a table, without the line of titles."""
        return [line.split() for line in self.output.splitlines()[1:]]


@dataclass(frozen=True, slots=True)
class Shell:
    whole: Whole

    async def __call__(
        self, *arguments: str, stdin: str = "", fails: int = 0, **variables: str
    ) -> Said:
        """Run a command in this process, which is faster; insist on its exit code."""
        said = await run_here(*arguments, env=self._environment(variables), stdin=stdin)
        return _insisted(said, fails, arguments)

    async def process(self, *arguments: str, fails: int = 0, **variables: str) -> Said:
        """Run a command as a process of its own, as a terminal does."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ag2trust", *arguments),
            env=self._environment(variables),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
        )
        output, errors = await process.communicate()
        code = process.returncode or 0
        return _insisted(Said(code, output.decode(), errors.decode()), fails, arguments)

    def _environment(self, variables: dict[str, str]) -> dict[str, str]:
        return self.whole.place.environment(
            AG2TRUST_API_KEY=self.whole.key, **variables
        )


async def run_here(*arguments: str, env: Mapping[str, str], stdin: str = "") -> Said:
    """Run a command in this process, which imports what it needs but once."""
    with _umask_kept():
        result = await asyncio.to_thread(
            CliRunner().invoke,
            main,
            arguments,
            input=stdin,
            env=env,
            prog_name="ag2trust",
        )
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Said(result.exit_code, result.stdout, result.stderr)


@contextmanager
def _umask_kept() -> Iterator[None]:
    """Undo what a command that makes files of a home does to all of its process."""
    mask = os.umask(0o077)
    os.umask(mask)
    try:
        yield
    finally:
        os.umask(mask)


def _insisted(said: Said, fails: int, arguments: tuple[str, ...]) -> Said:
    assert said.code == fails, f"{arguments}: {said}"
    return said
