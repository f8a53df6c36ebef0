"""What each model name is answered with where no script says otherwise."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from .script import ErrorDetail, Fault, Step

__all__ = ["MODELS", "OWNER", "step_for_call", "step_for_lookup"]

OWNER: Final = "ag2trust-sandbox"

MODELS: Final[Mapping[str, Step]] = MappingProxyType(
    {
        "sandbox-echo": Step(),
        "sandbox-slow": Step(latency_seconds=0.5, pace_seconds=0.1),
        "sandbox-cut": Step(fault=Fault.CUT_AFTER_FRAMES, after_frames=4),
        "sandbox-hang": Step(fault=Fault.HANG, after_frames=4),
        "sandbox-error-400": Step(
            status=400, error=ErrorDetail(code="context_length_exceeded")
        ),
        "sandbox-error-401": Step(status=401),
        "sandbox-error-429": Step(status=429),
        "sandbox-error-500": Step(status=500),
        "sandbox-error-503": Step(status=503),
        "sandbox-error-quota": Step(
            status=429, error=ErrorDetail(code="insufficient_quota")
        ),
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
    return Step(status=404, error=ErrorDetail(code="model_not_found", message=message))
