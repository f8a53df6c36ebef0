"""The list of models, and one of it."""

from typing import Final

from pydantic import JsonValue

from ag2trust_sandbox.catalogue import MODELS, OWNER
from ag2trust_sandbox.reply import Reply
from ag2trust_sandbox.script import Step
from ag2trust_sandbox.stamp import Stamp

from .wire import OPENAI

__all__ = ["model_reply", "models_reply"]

_CREATED: Final = 1767225600  # 2026-01-01T00:00:00Z


def models_reply(step: Step, stamp: Stamp) -> Reply:
    models: list[JsonValue] = [_model(name) for name in MODELS]
    return OPENAI.object_reply(step, stamp, {"object": "list", "data": models})


def model_reply(name: str, step: Step, stamp: Stamp) -> Reply:
    return OPENAI.object_reply(step, stamp, _model(name))


def _model(name: str) -> dict[str, JsonValue]:
    return {"id": name, "object": "model", "created": _CREATED, "owned_by": OWNER}
