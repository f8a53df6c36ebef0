"""What every answer on OpenAI's wire wears, whatever the endpoint."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from pydantic import JsonValue

from ag2trust_sandbox.catalogue import OWNER
from ag2trust_sandbox.encoding import encode_json
from ag2trust_sandbox.refusal import mismatch
from ag2trust_sandbox.reply import Reply, Stream, streamed, whole
from ag2trust_sandbox.script import Step
from ag2trust_sandbox.stamp import Stamp

from .errors import error_body, error_code, error_status

__all__ = ["MALFORMED", "error_reply", "object_reply", "stream_reply", "whole_reply"]

_JSON: Final = "application/json"
_HTML: Final = "text/html; charset=utf-8"
_EVENT_STREAM: Final = "text/event-stream; charset=utf-8"

MALFORMED: Final = b'data: {"cut \n\n'
"""An event whose data is no JSON."""


def stream_reply(step: Step, stamp: Stamp, stream: Stream) -> Reply:
    """Answer with *stream* as far as *step* lets it."""
    return streamed(step, _headers(step, stamp, _EVENT_STREAM), stream)


def object_reply(step: Step, stamp: Stamp, body: Mapping[str, JsonValue]) -> Reply:
    """Answer what asks for no words; raises `RefusalError` if *step* has some."""
    if step.is_chat_answer:
        raise mismatch("answers a chat, but another endpoint was asked")
    return whole_reply(step, stamp, body)


def whole_reply(step: Step, stamp: Stamp, body: Mapping[str, JsonValue]) -> Reply:
    """Answer without a stream: *body*, or what *step* has in its place.

    Raises `RefusalError` if the step needs a stream.
    """
    if not step.is_success:
        return error_reply(step, stamp)
    if step.sends_error_event:
        raise mismatch("sends an error event, but no stream was asked for")
    return whole(step, _headers(step, stamp, _JSON), encode_json(body))


def error_reply(step: Step, stamp: Stamp) -> Reply:
    """Answer with the error, redirect or raw body of *step*."""
    status = error_status(step)
    if step.raw_body is not None:
        headers = _headers(step, stamp, _HTML)
        return whole(step, headers, step.raw_body.encode(), status=status)
    headers = _headers(step, stamp, _JSON)
    return whole(step, headers, encode_json(error_body(step)), status=status)


def _headers(step: Step, stamp: Stamp, content_type: str) -> Mapping[str, str]:
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
    if error_status(step) != HTTPStatus.TOO_MANY_REQUESTS or not is_rate_limit:
        return {
            "x-ratelimit-remaining-requests": "9999",
            "x-ratelimit-reset-requests": "6ms",
        }
    return {
        "retry-after": "1",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "1s",
    }
