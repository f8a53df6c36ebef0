"""A provider that speaks the wire format with scripted answers, for tests and demos.

It is no model and says so in every answer. A test needs four names:

    async with serving() as sandbox:
        sandbox.play(Step(content="Hello."), Step(status=429, repeat=2))
        client = AsyncOpenAI(base_url=sandbox.base_url, api_key="any")
        ...
        assert sandbox.requests[0].headers["authorization"] == (
            f"Bearer {fingerprint('any')}"
        )

`README.md` beside this package has the same for people with curl.
"""

from .received import ReceivedRequest, fingerprint
from .sandbox import Sandbox
from .script import (
    ErrorCode,
    ErrorDetail,
    Fault,
    FinishReason,
    Step,
    ToolCall,
    Usage,
    UsagePlace,
)
from .server import serving

__all__ = [
    "ErrorCode",
    "ErrorDetail",
    "Fault",
    "FinishReason",
    "ReceivedRequest",
    "Sandbox",
    "Step",
    "ToolCall",
    "Usage",
    "UsagePlace",
    "fingerprint",
    "serving",
]
