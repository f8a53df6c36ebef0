"""What a model wrote, made fit for where it goes."""

import json
from typing import Any

__all__ = ["arguments_of", "well_formed"]


def well_formed(text: str) -> str:
    """Replace halves of surrogate pairs, which JSON can spell and UTF-8 cannot."""
    return text.encode(errors="replace").decode()


def arguments_of(text: str) -> dict[str, Any]:
    """Read a tool's arguments where an object is wanted; what is none is empty."""
    try:
        arguments = json.loads(text)
    except ValueError:
        return {}
    return arguments if isinstance(arguments, dict) else {}
