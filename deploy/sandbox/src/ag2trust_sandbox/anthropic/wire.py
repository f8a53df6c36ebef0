"""What every answer on Anthropic's wire wears, whatever the endpoint."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from pydantic import JsonValue

from ag2trust_sandbox.catalogue import OWNER
from ag2trust_sandbox.script import Step
from ag2trust_sandbox.stamp import Stamp
from ag2trust_sandbox.wire import EVENT_STREAM, Wire

from .errors import ERRORS, error_body, is_rate_limit

__all__ = ["ANTHROPIC"]

_LIMITS: Final = {
    "requests": 1_000,
    "tokens": 500_000,
    "input-tokens": 400_000,
    "output-tokens": 100_000,
}


class AnthropicWire(Wire):
    stream_type = EVENT_STREAM

    def headers(self, step: Step, stamp: Stamp) -> Mapping[str, str]:
        """Source: Anthropic's documentation, "Rate limits", "Response headers"."""
        return {
            "request-id": f"req_{stamp.id}",
            "anthropic-organization-id": OWNER,
            **dict(_allowances(step, stamp)),
            **({"retry-after": "1"} if is_rate_limit(step) else {}),
        }

    def error_status(self, step: Step) -> int:
        return ERRORS.status_of(step)

    def error_body(self, step: Step, stamp: Stamp) -> Mapping[str, JsonValue]:
        return error_body(step, stamp)


def _allowances(step: Step, stamp: Stamp) -> Iterator[tuple[str, str]]:
    """Say that nothing was used, or of a rate limit that the requests were."""
    reset = datetime.fromtimestamp(stamp.created + 1, UTC)
    for subject, limit in _LIMITS.items():
        is_used_up = subject == "requests" and is_rate_limit(step)
        name = f"anthropic-ratelimit-{subject}"
        yield f"{name}-limit", str(limit)
        yield f"{name}-remaining", "0" if is_used_up else str(limit)
        yield f"{name}-reset", f"{reset:%Y-%m-%dT%H:%M:%SZ}"


ANTHROPIC: Final = AnthropicWire()
