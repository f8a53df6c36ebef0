"""Requests and their answers over HTTP: keys, tries, errors, and nothing of the API."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date
from http import HTTPStatus
from typing import Any, Self, TypeVar
from urllib.parse import quote
from uuid import uuid4

import aiohttp
from pydantic import BaseModel, SecretStr, TypeAdapter, ValidationError

from .errors import (
    Ag2TrustError,
    UnexpectedAnswerError,
    UnreachableError,
    refusal_from,
)
from .retrying import seconds_before

__all__ = ["Connection", "segment"]

AnswerT = TypeVar("AnswerT")

IDEMPOTENCY_KEY = "Idempotency-Key"

_CONNECT_SECONDS = 10.0
_ANSWER_SECONDS = 660.0  # a message may be waited for ten minutes
_SAME_TWICE = frozenset({"GET", "PUT", "DELETE"})


class Connection:
    """Asks one gateway; `async with` it.

    A request that breaks off, or finds the gateway busy, is sent again up to three
    times. Every POST but one whose answer streams has an `Idempotency-Key`, so that it
    is done once all the same. White space around the key, as at the end of a file, is
    no part of it.
    """

    def __init__(self, url: str, key: str | SecretStr) -> None:
        self._url = url.rstrip("/")
        given = key.get_secret_value() if isinstance(key, SecretStr) else key
        self._key = SecretStr(given.strip())
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._session = await self._open.enter_async_context(
            aiohttp.ClientSession(
                headers={"Authorization": f"Bearer {self._key.get_secret_value()}"},
                timeout=aiohttp.ClientTimeout(
                    total=_ANSWER_SECONDS, sock_connect=_CONNECT_SECONDS
                ),
                json_serialize=_json_of,
            )
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def _ask(
        self,
        returns: Any,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: BaseModel | None = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> Any:
        """Ask, and read the answer as *returns*: a type, `str`, or None for nothing."""
        sent = _headers_of(method, headers)
        text = await self._heard(
            method,
            path,
            params=_query_of(query or {}),
            json=body,
            headers=sent,
        )
        return _read(returns, text)

    async def _heard(self, method: str, path: str, **request: Any) -> bytes:
        is_repeatable = method in _SAME_TWICE or IDEMPOTENCY_KEY in request["headers"]
        next_try = 2
        while True:
            try:
                async with self._answered(method, path, **request) as response:
                    return await response.read()
            except Ag2TrustError as failure:
                pause = seconds_before(next_try, failure, is_repeatable=is_repeatable)
                if pause is None:
                    raise
            await asyncio.sleep(pause)
            next_try += 1

    @asynccontextmanager
    async def _answered(
        self, method: str, path: str, **request: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send once; provide an answer that is 2xx, while it may still be read."""
        try:
            async with self._session.request(
                method, self._url + path, allow_redirects=False, **request
            ) as response:
                if response.status >= HTTPStatus.MULTIPLE_CHOICES:
                    raise refusal_from(
                        response.status,
                        await response.read(),
                        request_id=response.headers.get("X-Request-Id", ""),
                        retry_after=response.headers.get("Retry-After"),
                    )
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            # What the library says of it may hold the key.
            raise UnreachableError(_why_unreachable(self._url, error)) from None


def segment(text: str) -> str:
    """Spell *text* as one part of a path, whatever is in it (RFC 3986, section 3.3)."""
    return quote(text, safe="")


def _why_unreachable(url: str, error: Exception) -> str:
    match error:
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return f"{url} is no address of a gateway."
        case aiohttp.ClientConnectorError():
            return f"Nobody answers at {url}."
        case TimeoutError():
            return f"{url} took too long to answer."
        case _:
            return f"The connection to {url} broke off."


def _headers_of(method: str, given: Mapping[str, str | None] | None) -> dict[str, str]:
    headers = {name: value for name, value in (given or {}).items() if value}
    if version := headers.get("If-Match"):
        headers["If-Match"] = _etag_of(version)
    if method == "POST":
        headers.setdefault(IDEMPOTENCY_KEY, str(uuid4()))
    return headers


def _etag_of(version: str) -> str:
    return version if version == "*" or version.startswith('"') else f'"{version}"'


def _query_of(query: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Spell a query; what is None is left out, and a list is named once for each."""
    return [
        (name, _word(each))
        for name, value in query.items()
        if value is not None
        for each in (value if isinstance(value, list) else [value])
    ]


def _word(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case date():
            return value.isoformat()
        case _:
            return str(value)


def _json_of(body: BaseModel) -> str:
    """Only what was said: a field that was left out is not a field that is null."""
    return body.model_dump_json(by_alias=True, exclude_unset=True)


def _read(returns: Any, text: bytes) -> Any:
    if returns is None:
        return None
    if returns is str:
        return text.decode()
    try:
        return TypeAdapter(returns).validate_json(text)
    except ValidationError as error:
        places = (".".join(map(str, each["loc"])) for each in error.errors())
        raise UnexpectedAnswerError(
            "The answer is not what this version of the client knows; look at "
            f"{', '.join(places) or 'its form'}."
        ) from None
