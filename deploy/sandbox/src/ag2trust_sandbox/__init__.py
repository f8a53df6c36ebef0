"""A provider that speaks three wire formats with scripted answers, for tests and demos.

It is no model and says so in every answer. A test needs four names:

    async with serving() as sandbox:
        sandbox.play(Step(content="Hello."), Step(status=429, repeat=2))
        client = AsyncOpenAI(base_url=sandbox.base_url, api_key="any")
        ...
        assert sandbox.requests[0].headers["authorization"] == (
            f"Bearer {fingerprint('any')}"
        )

Anthropic's clients take `sandbox.anthropic_base_url`, those for Bedrock
`sandbox.bedrock_endpoint_url` and `EXAMPLE_KEY_PAIR`; the same steps answer them all.
`README.md` beside this package has the same for people with curl.
"""

from .key_pair import EXAMPLE_KEY_PAIR, KeyPair
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
    "EXAMPLE_KEY_PAIR",
    "ErrorCode",
    "ErrorDetail",
    "Fault",
    "FinishReason",
    "KeyPair",
    "ReceivedRequest",
    "Sandbox",
    "Step",
    "ToolCall",
    "Usage",
    "UsagePlace",
    "fingerprint",
    "serving",
]
