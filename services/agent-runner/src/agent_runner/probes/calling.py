"""One request to a provider, and its whole answer: the rim of the probes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from time import monotonic

from agent_runner.http.answer import Answer
from agent_runner.http.client import Client
from agent_runner.http.messages import Fields
from agent_runner.http.urls import parted
from agent_runner.proxy.provider_failures import (
    FAILURES,
    AnswerTooLargeError,
    RedirectedError,
    failure_of,
)
from shared.contracts.base import Explanation
from shared.timeouts import timeout

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


async def answer_to(client: Client, request: ProbeRequest) -> ProviderAnswer:
    """Send *request* and read the answer whole; raise `CallFailedError` otherwise."""
    began, has_answered = monotonic(), False
    origin, target = parted(request.url)
    try:
        async with (
            timeout(PROBED_WITHIN.total_seconds()),
            client.asking(
                origin,
                method=request.method.encode(),
                target=target,
                fields=_encoded(request.headers),
                body=request.body,
            ) as answer,
        ):
            has_answered = True
            _require_no_redirect(answer)
            body = await _body_of(answer)
            return ProviderAnswer(
                answer.status,
                _decoded(answer.fields),
                body,
                _milliseconds_since(began),
            )
    except FAILURES as error:
        raise CallFailedError(
            failure_of(error, has_answered=has_answered),
            latency_ms=_milliseconds_since(began),
        ) from error


def _require_no_redirect(answer: Answer) -> None:
    if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
        raise RedirectedError


async def _body_of(answer: Answer) -> bytes:
    body = bytearray()
    while data := await answer.read():
        body += data
        if len(body) > _LONGEST_ANSWER_BYTES:
            raise AnswerTooLargeError
    return bytes(body)


def _encoded(headers: Mapping[str, str]) -> Fields:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def _decoded(fields: Fields) -> Mapping[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in fields}


def _milliseconds_since(began: float) -> int:
    return round((monotonic() - began) * 1000)
