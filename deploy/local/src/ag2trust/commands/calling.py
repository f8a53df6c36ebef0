"""From a command line to a client, and from its errors to sentences and exit codes."""

import asyncio
import functools
import os
import re
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Concatenate, ParamSpec
from urllib.parse import urlsplit

import click
from pydantic import SecretStr
from pydantic_core import PydanticSerializationError

from ag2trust_client import (
    Ag2TrustError,
    Client,
    ForbiddenError,
    InvalidError,
    LimitedError,
    NotFoundError,
    RefusedError,
    UnauthenticatedError,
    UnavailableError,
    UnexpectedAnswerError,
    UnreachableError,
)

from .output import said

__all__ = ["EXIT_CODES", "calling", "explained"]

P = ParamSpec("P")

_KEY = "AG2TRUST_API_KEY"
_URL = "AG2TRUST_URL"
_INTERRUPTED = 130
_FIELD = re.compile(r"The field (?P<field>\w+)")
_SCHEMES = frozenset({"http", "https"})
_LOCAL = frozenset({"127.0.0.1", "::1", "localhost"})

_CODES: tuple[tuple[type[Ag2TrustError], int], ...] = (
    (UnauthenticatedError, os.EX_NOPERM),
    (ForbiddenError, os.EX_NOPERM),
    (NotFoundError, os.EX_NOINPUT),
    (InvalidError, os.EX_DATAERR),
    (LimitedError, os.EX_TEMPFAIL),
    (UnavailableError, os.EX_UNAVAILABLE),
    (UnreachableError, os.EX_UNAVAILABLE),
    (UnexpectedAnswerError, os.EX_PROTOCOL),
)

EXIT_CODES = {
    0: "done",
    1: "refused, or an answer that failed",
    2: "the command line cannot be understood",
    os.EX_DATAERR: "what was given is not acceptable",
    os.EX_NOINPUT: "there is no such thing",
    os.EX_UNAVAILABLE: "the gateway, or what it needs, does not answer",
    os.EX_TEMPFAIL: "too many requests; try again later",
    os.EX_PROTOCOL: "what answers is no gateway of this version",
    os.EX_NOPERM: "the key is unknown, or may not do this",
    _INTERRUPTED: "interrupted",
}


def calling(
    function: Callable[Concatenate[Client, P], Awaitable[None]],
) -> Callable[..., None]:
    """Make a command of *function*, which gets a client as whoever asks."""

    @click.option(
        "--url",
        envvar=_URL,
        metavar="URL",
        callback=_address,
        help="Another gateway than this machine's (AG2TRUST_URL).",
    )
    @click.option(
        "--key-file",
        envvar="AG2TRUST_API_KEY_FILE",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="A file with the API key (AG2TRUST_API_KEY_FILE).",
    )
    @functools.wraps(function)
    def command(
        url: str | None, key_file: Path | None, *args: P.args, **kwargs: P.kwargs
    ) -> None:
        address = url or _this_machine()
        key = _key(address, key_file)

        async def call() -> None:
            async with Client(address, key) as client:
                await function(client, *args, **kwargs)

        with explained():
            asyncio.run(call())

    return command


@contextmanager
def explained() -> Iterator[None]:
    """Say what went wrong in words, and exit with its code."""
    try:
        yield
    except Ag2TrustError as error:
        said("\n".join(_sentences(error)))
        sys.exit(_code_of(error))
    except (UnicodeDecodeError, PydanticSerializationError):
        said("ag2trust: What was given is no text in UTF-8.")
        sys.exit(os.EX_DATAERR)
    except KeyboardInterrupt:
        click.echo(err=True)
        sys.exit(_INTERRUPTED)


def _address(
    _context: click.Context, _parameter: click.Parameter, url: str | None
) -> str | None:
    """Refuse what leads nowhere before a key is looked for."""
    if url and not _leads_somewhere(url):
        raise click.BadParameter(
            f"{url} is no address of a gateway, such as https://ag2trust.example.com."
        )
    return url


def _leads_somewhere(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in _SCHEMES and bool(parts.hostname)


def _this_machine() -> str:
    """Name the gateway of the home, at the port it was last started at."""
    port = os.environ.get("AG2TRUST_GATEWAY_PORT") or _kept("gateway-port") or "8080"
    return f"http://127.0.0.1:{port}"


def _kept(name: str) -> str | None:
    """Read what the launcher wrote into the home, None if there is no such file."""
    home = Path(os.environ.get("AG2TRUST_HOME") or ".ag2trust").expanduser()
    file = home / name
    return file.read_text().strip() if file.exists() else None


def _key(url: str, file: Path | None) -> SecretStr:
    """Find the key: never on the command line, which every process can read."""
    key = _given(url, file).strip()
    if not key:
        raise click.UsageError(
            f"There is no API key. Put it into {_KEY}, or name a file with --key-file."
        )
    if not (key.isascii() and key.isprintable()):
        raise click.UsageError("What was given as API key is none: one is a line.")
    return SecretStr(key)


def _given(url: str, file: Path | None) -> str:
    if file is not None:
        return file.read_text(errors="replace")
    if key := os.environ.get(_KEY):
        return key
    return (urlsplit(url).hostname in _LOCAL and _kept("api-key")) or ""


def _sentences(error: Ag2TrustError) -> Iterator[str]:
    yield f"ag2trust: {_FIELD.sub(_as_typed, str(error))}"
    match error:
        case InvalidError():
            yield from _fields(error)
        case RefusedError(details={"agents": [*agents]}):
            yield from (f"  agent {each['name']}" for each in agents)
        case RefusedError(details={"explanation": {"cause": cause, "fix": fix}}):
            yield from (f"  {cause}", f"  {fix}")
        case UnreachableError():
            yield "  Is the stack running, and is --url its address?"
        case _:
            pass
    if isinstance(error, RefusedError):
        yield f"  ({error.code}, request {error.request_id})"


def _fields(error: InvalidError) -> Iterator[str]:
    """Say which fields are wrong and why, but for what the sentence says already."""
    for name, why in error.fields.items():
        if why not in str(error):
            yield f"  {_option(name) or name}: {why}"


def _as_typed(named: re.Match[str]) -> str:
    return _option(named["field"]) or named[0]


def _option(field: str) -> str | None:
    """Find the option for *field*, if the command that was typed has one."""
    context = click.get_current_context(silent=True)
    options = {
        each.opts[0].removeprefix("--").replace("-", "_"): each.opts[0]
        for each in (context.command.params if context else ())
        if isinstance(each, click.Option) and each.envvar != _URL
    }
    return options.get(field) or options.get(field.removeprefix("aws_"))


def _code_of(error: Ag2TrustError) -> int:
    return next((code for kind, code in _CODES if isinstance(error, kind)), 1)
