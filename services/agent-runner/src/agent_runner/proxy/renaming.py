"""Asking another model for the same, in a body that names its model."""

import json
from dataclasses import replace

from .json_text import value_span
from .wire_format import Asked

__all__ = ["renamed"]


def renamed(model: str, asked: Asked) -> Asked:
    """Put *model* in the place of the body's own; all else keeps its bytes."""
    text = asked.request.body.decode()
    start, end = value_span(text, "model")
    body = f"{text[:start]}{json.dumps(model)}{text[end:]}".encode()
    return replace(asked, request=asked.request._replace(body=body, model=model))
