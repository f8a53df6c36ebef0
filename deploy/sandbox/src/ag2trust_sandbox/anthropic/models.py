"""The list of models in pages, and one of it.

Shapes: Anthropic API reference, "List Models"; `anthropic.types.ModelInfo`.
"""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from ag2trust_sandbox.catalogue import MODELS
from ag2trust_sandbox.reply import Reply
from ag2trust_sandbox.script import Step
from ag2trust_sandbox.stamp import Stamp

from .wire import ANTHROPIC

__all__ = ["ModelsPage", "model_reply", "models_reply"]

_DEFAULT_LIMIT: Final = 20


class ModelsPage(BaseModel):
    """Which part of the list is asked for: after one model or before another."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    limit: Annotated[int, Field(ge=1, le=1000)] = _DEFAULT_LIMIT
    after_id: str | None = None
    before_id: str | None = None


def models_reply(page: ModelsPage, step: Step, stamp: Stamp) -> Reply:
    asked = _between(page)
    names = asked[-page.limit :] if page.before_id else asked[: page.limit]
    body: dict[str, JsonValue] = {
        "data": [_model(name) for name in names],
        "has_more": len(names) < len(asked),
        "first_id": names[0] if names else None,
        "last_id": names[-1] if names else None,
    }
    return ANTHROPIC.object_reply(step, stamp, body)


def _between(page: ModelsPage) -> list[str]:
    """Give the names between the page's two; a name there is not is no border."""
    names = list(MODELS)
    start = names.index(page.after_id) + 1 if page.after_id in names else 0
    end = names.index(page.before_id) if page.before_id in names else len(names)
    return names[start:end]


def model_reply(name: str, step: Step, stamp: Stamp) -> Reply:
    return ANTHROPIC.object_reply(step, stamp, _model(name))


def _model(name: str) -> dict[str, JsonValue]:
    return {
        "type": "model",
        "id": name,
        "display_name": name,
        "created_at": "2026-01-01T00:00:00Z",
        "lifecycle": "active",
        "max_input_tokens": 200_000,
        "max_tokens": 64_000,
    }
