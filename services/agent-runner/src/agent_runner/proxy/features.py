"""Looking for what a call asks of its provider beyond a plain model call."""

from collections.abc import Collection, Iterator
from typing import Any

from shared.contracts.agent_types import AgentType, ProviderFeature
from shared.errors import FeatureNotAllowedError

__all__ = ["may_name", "objects_in", "require_allowed"]


def may_name(raw: bytes, *names: bytes) -> bool:
    r"""Say whether JSON may have one of *names*: cheap, and never wrongly no.

    In a name any character may be written as `\u0061`.
    """
    return b"\\u" in raw or any(map(raw.__contains__, names))


def objects_in(
    value: object, *, except_below: Collection[str] = ()
) -> Iterator[dict[str, Any]]:
    """Find all objects in parsed JSON, but not below members named *except_below*."""
    pending = [value]
    while pending:
        found = pending.pop()
        if isinstance(found, list):
            pending += found
        elif isinstance(found, dict):
            yield found
            pending += (found[name] for name in found if name not in except_below)


def require_allowed(
    agent_type: AgentType, features: frozenset[ProviderFeature]
) -> None:
    """Raise `FeatureNotAllowedError` for what the type does not allow."""
    if not features:
        return
    missing = sorted(features - frozenset(agent_type.provider_features))
    if missing:
        raise FeatureNotAllowedError(
            "The agent type does not allow what this call asks for; its"
            f" provider_features would have to name {' and '.join(missing)}."
        )
