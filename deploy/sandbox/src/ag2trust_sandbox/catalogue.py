"""What each model name is answered with where no script says otherwise."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from .script import ErrorCode, ErrorDetail, Fault, Step

__all__ = ["MODELS", "OWNER", "step_for_call", "step_for_lookup"]

OWNER: Final = "ag2trust-sandbox"


def _failing(code: ErrorCode) -> Step:
    return Step(error=ErrorDetail(code=code))


MODELS: Final[Mapping[str, Step]] = MappingProxyType(
    {
        "sandbox-echo": Step(),
        "sandbox-slow": Step(latency_seconds=0.5, pace_seconds=0.1),
        "sandbox-cut": Step(fault=Fault.CUT_AFTER_FRAMES, after_frames=4),
        "sandbox-hang": Step(fault=Fault.HANG, after_frames=4),
        "sandbox-error-400": _failing(ErrorCode.CONTEXT_LENGTH_EXCEEDED),
        "sandbox-error-401": _failing(ErrorCode.INVALID_API_KEY),
        "sandbox-error-429": _failing(ErrorCode.RATE_LIMIT_EXCEEDED),
        "sandbox-error-500": Step(status=500),
        "sandbox-error-503": _failing(ErrorCode.SERVER_IS_OVERLOADED),
        "sandbox-error-quota": _failing(ErrorCode.INSUFFICIENT_QUOTA),
    }
)
"""The models listed. Any other name is answered like `sandbox-echo`, except those
that start with `missing-`, which are not found."""

_DEFAULT: Final = Step()


def step_for_call(model: str) -> Step:
    """Answer a completion or an embedding by the name of its model."""
    return MODELS.get(model) or step_for_lookup(model)


def step_for_lookup(model: str) -> Step:
    """Answer the question whether a model exists."""
    if not model.startswith("missing-"):
        return _DEFAULT
    message = f"The model `{model}` does not exist or you do not have access to it."
    return Step(error=ErrorDetail(code=ErrorCode.MODEL_NOT_FOUND, message=message))
