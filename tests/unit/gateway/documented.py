"""The calls of the gateway that the documents want made."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

__all__ = ["Call", "calls_in", "pages"]

_REPOSITORY = Path(__file__).parents[3]
_SHELL = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
_HTTP = re.compile(r"^```http\n(\S+) (\S+)\n\n(.*?)^```", re.DOTALL | re.MULTILINE)
_ASKED = re.compile(r"(?:^|\()(?:call|curl) (.*\$API.*)$", re.MULTILINE)
_VARIABLE = re.compile(r"\$[A-Z_]+")
_SOME_ID = "01900000-0000-7000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class Call:
    """A request, with some id for each variable of the shell."""

    method: str
    path: str
    query: dict[str, str]
    body: Any = None


def pages() -> list[Path]:
    return [_REPOSITORY / "README.md", *sorted((_REPOSITORY / "docs").glob("*.md"))]


def calls_in(text: str) -> Iterator[tuple[str, Call]]:
    """Find what is asked of `$API`, or as HTTP, each with how it stands there."""
    for fence in _SHELL.findall(text):
        for line in _ASKED.findall(fence):
            yield line, _of_words(_words(line))
    for method, path, body in _HTTP.findall(text):
        asked = _call(method, path, json.loads(body) if body.strip() else None)
        yield f"{method} {path} {body}", asked


def _words(line: str) -> list[str]:
    """Return the words up to what the shell itself understands."""
    reading = shlex.shlex(line, posix=True, punctuation_chars="|;<>")
    reading.whitespace_split = True
    words = list(reading)
    ends = (at for at, word in enumerate(words) if word in {"|", ";", "<", ">"})
    return words[: next(ends, len(words))]


def _of_words(words: list[str]) -> Call:
    options = dict(pairwise(words))
    [url] = [word for word in words if word.startswith("$API")]
    body = options.get("-d")
    return _call(
        options.get("-X", "POST" if body else "GET"),
        _VARIABLE.sub(_SOME_ID, url.replace("$API", "/api", 1)),
        json.loads(_VARIABLE.sub(_SOME_ID, body)) if body else None,
    )


def _call(method: str, url: str, body: Any) -> Call:
    parts = urlsplit(url)
    return Call(method, parts.path, dict(parse_qsl(parts.query)), body)
