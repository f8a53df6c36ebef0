"""What some models of Claude do not take, told by their names."""

import re

from .conversation import Chat, refused

__all__ = ["require_sampling"]

# `claude-3-5-sonnet-20241022`, `claude-opus-4-6`, `us.anthropic.claude-opus-5-5-v1:0`.
_CLAUDE = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?!\d)(?:-(\d{1,2})(?!\d))?")
_LAST_THAT_SAMPLES = (4, 6)


def require_sampling(chat: Chat, model: str) -> None:
    """Refuse temperature and top_p for models after 4.6, which take neither."""
    found = _CLAUDE.search(model)
    if found is None:
        return
    version = (int(found[1]), int(found[2] or 0))
    for name, value in (("temperature", chat.temperature), ("top_p", chat.top_p)):
        if value is not None and version > _LAST_THAT_SAMPLES:
            raise refused(name, f"is not taken by {model}")
    if version >= (4, 0) and None not in {chat.temperature, chat.top_p}:
        raise refused("top_p", f"is not taken by {model} beside temperature")
