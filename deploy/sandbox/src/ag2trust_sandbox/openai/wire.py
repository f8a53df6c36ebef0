"""What every answer on OpenAI's wire wears, whatever the endpoint."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from pydantic import JsonValue

from ag2trust_sandbox.catalogue import OWNER
from ag2trust_sandbox.script import Step
from ag2trust_sandbox.stamp import Stamp
from ag2trust_sandbox.wire import EVENT_STREAM, Wire

from .errors import ERRORS, error_code, error_object

__all__ = ["OPENAI"]


class OpenAIWire(Wire):
    stream_type = EVENT_STREAM

    def headers(self, step: Step, stamp: Stamp) -> Mapping[str, str]:
        """Source: OpenAI API reference, "Debugging requests"; guide "Rate limits"."""
        return {
            "openai-organization": OWNER,
            "openai-processing-ms": str(round(step.latency_seconds * 1000)),
            "openai-version": "2020-10-01",
            "x-request-id": f"req_{stamp.id}",
            "x-ratelimit-limit-requests": "10000",
            "x-ratelimit-limit-tokens": "2000000",
            "x-ratelimit-remaining-tokens": "1999000",
            "x-ratelimit-reset-tokens": "30ms",
            **_request_allowance(step),
        }

    def error_status(self, step: Step) -> int:
        return ERRORS.status_of(step)

    def error_body(self, step: Step, _: Stamp) -> Mapping[str, JsonValue]:
        return {"error": error_object(step)}


def _request_allowance(step: Step) -> Mapping[str, str]:
    is_rate_limit = error_code(step) == "rate_limit_exceeded"
    if ERRORS.status_of(step) != HTTPStatus.TOO_MANY_REQUESTS or not is_rate_limit:
        return {
            "x-ratelimit-remaining-requests": "9999",
            "x-ratelimit-reset-requests": "6ms",
        }
    return {
        "retry-after": "1",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "1s",
    }


OPENAI: Final = OpenAIWire()
