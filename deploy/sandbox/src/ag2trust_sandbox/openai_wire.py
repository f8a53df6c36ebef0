"""What every answer on OpenAI's wire wears, whatever the endpoint."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from pydantic import JsonValue

from .catalogue import OWNER
from .openai_errors import RefusalError, error_body, error_code
from .reply import Reply, whole
from .script import ErrorDetail, Step

__all__ = [
    "Stamp",
    "encode_event",
    "error_reply",
    "headers_of",
    "object_reply",
    "whole_reply",
]

_JSON: Final = "application/json"
_HTML: Final = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells one answer from another: an id in hex, and Unix seconds."""

    id: str
    created: int


def object_reply(step: Step, stamp: Stamp, body: dict[str, JsonValue]) -> Reply:
    """Answer what is no chat; raises `RefusalError` if *step* is a chat's."""
    if step.is_chat_answer:
        raise _mismatch("answers a chat, but another endpoint was asked")
    return whole_reply(step, stamp, body)


def whole_reply(step: Step, stamp: Stamp, body: dict[str, JsonValue]) -> Reply:
    """Answer without a stream: *body*, or what *step* has in its place.

    Raises `RefusalError` if the step needs a stream.
    """
    if not step.is_success:
        return error_reply(step, stamp)
    if step.sends_error_event:
        raise _mismatch("sends an error event, but no stream was asked for")
    return whole(step, headers_of(step, stamp), _encode(body))


def _mismatch(problem: str) -> RefusalError:
    detail = ErrorDetail(
        message=f"The script's step {problem}.", code="sandbox_script_mismatch"
    )
    return RefusalError(Step(status=400, error=detail))


def error_reply(step: Step, stamp: Stamp) -> Reply:
    """Answer with the error, redirect or raw body of *step*."""
    if step.raw_body is not None:
        return whole(step, headers_of(step, stamp, _HTML), step.raw_body.encode())
    return whole(step, headers_of(step, stamp), _encode(error_body(step)))


def encode_event(body: dict[str, JsonValue]) -> bytes:
    """One server-sent event: data only, as OpenAI's chat completions have it."""
    return b"data: %b\n\n" % _encode(body)


def _encode(body: dict[str, JsonValue]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def headers_of(
    step: Step, stamp: Stamp, content_type: str = _JSON
) -> Mapping[str, str]:
    """OpenAI's response headers; the script's own come last and win.

    Source: OpenAI API reference, "Debugging requests", and guide "Rate limits".
    """
    return {
        "content-type": content_type,
        "openai-organization": OWNER,
        "openai-processing-ms": str(round(step.latency_seconds * 1000)),
        "openai-version": "2020-10-01",
        "x-request-id": f"req_{stamp.id}",
        "x-ratelimit-limit-requests": "10000",
        "x-ratelimit-limit-tokens": "2000000",
        "x-ratelimit-remaining-tokens": "1999000",
        "x-ratelimit-reset-tokens": "30ms",
        **_request_allowance(step),
        **step.headers,
    }


def _request_allowance(step: Step) -> Mapping[str, str]:
    is_rate_limit = error_code(step) == "rate_limit_exceeded"
    if step.status != HTTPStatus.TOO_MANY_REQUESTS or not is_rate_limit:
        return {
            "x-ratelimit-remaining-requests": "9999",
            "x-ratelimit-reset-requests": "6ms",
        }
    return {
        "retry-after": "1",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "1s",
    }
