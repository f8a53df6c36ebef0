"""One request to a provider, and its whole answer: the rim of the probes."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from time import monotonic

import aiohttp
from yarl import URL

from agent_runner.proxy.provider_failures import (
    FAILURES,
    AnswerTooLargeError,
    RedirectedError,
    failure_of,
)
from shared.contracts.base import Explanation

from .requests import ProbeRequest

__all__ = ["PROBED_WITHIN", "CallFailedError", "ProviderAnswer", "answer_to"]

PROBED_WITHIN = timedelta(seconds=15)
_LONGEST_ANSWER_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    status: int
    headers: Mapping[str, str]
    body: bytes
    latency_ms: int

    @property
    def is_refusal(self) -> bool:
        return self.status >= HTTPStatus.BAD_REQUEST


class CallFailedError(Exception):
    """A provider gave no answer, or not the one that was asked for."""

    def __init__(self, explanation: Explanation, *, latency_ms: int) -> None:
        super().__init__(explanation.code)
        self.explanation = explanation
        self.latency_ms = latency_ms


async def answer_to(
    session: aiohttp.ClientSession, request: ProbeRequest
) -> ProviderAnswer:
    """Send *request* and read the answer whole; raise `CallFailedError` otherwise."""
    began, has_answered = monotonic(), False
    try:
        async with (
            asyncio.timeout(PROBED_WITHIN.total_seconds()),
            session.request(
                request.method,
                URL(request.url, encoded=True),
                data=request.body or None,
                headers=request.headers,
                allow_redirects=False,
            ) as response,
        ):
            has_answered = True
            _require_no_redirect(response)
            body = await _body_of(response)
            return ProviderAnswer(
                response.status, response.headers, body, _milliseconds_since(began)
            )
    except FAILURES as error:
        raise CallFailedError(
            failure_of(error, has_answered=has_answered),
            latency_ms=_milliseconds_since(began),
        ) from error


def _require_no_redirect(response: aiohttp.ClientResponse) -> None:
    if HTTPStatus.MULTIPLE_CHOICES <= response.status < HTTPStatus.BAD_REQUEST:
        raise RedirectedError


async def _body_of(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for data in response.content.iter_any():
        body += data
        if len(body) > _LONGEST_ANSWER_BYTES:
            raise AnswerTooLargeError
    return bytes(body)


def _milliseconds_since(began: float) -> int:
    return round((monotonic() - began) * 1000)
