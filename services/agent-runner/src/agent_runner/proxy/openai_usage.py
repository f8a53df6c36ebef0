"""Reading usage where OpenAI documents it, and nowhere else.

`prompt_tokens` include the cached ones; our counts are disjoint. An explicit 0 is 0,
an absent figure is None; a negative or absurd one makes the whole report void.
"""

import json
from dataclasses import dataclass
from typing import Any

from shared.contracts.metrics import Usage

__all__ = ["ChatStream", "Released", "usage_of"]

_MOST_TOKENS = 1_000_000_000
_DONE = b"[DONE]"
_LONGEST_EVENT_BYTES = 16 * 1024 * 1024


def usage_of(body: object) -> Usage | None:
    """Read `$.usage` of a response or chunk; None where there is none to read."""
    if not isinstance(body, dict) or not isinstance(body.get("usage"), dict):
        return None
    usage: dict[str, Any] = body["usage"]
    try:
        prompt = _count(usage.get("prompt_tokens"))
        output = _count(usage.get("completion_tokens"))
        cached = _count(_detail(usage, "prompt_tokens_details", "cached_tokens"))
        reasoning = _count(
            _detail(usage, "completion_tokens_details", "reasoning_tokens")
        )
    except _AbsurdCountError:
        return None
    if prompt is None or (cached or 0) > prompt or (reasoning or 0) > (output or 0):
        return None
    return Usage(
        input_tokens=prompt - (cached or 0),
        cached_input_tokens=cached,
        output_tokens=output,
        reasoning_tokens=reasoning,
    )


@dataclass(frozen=True, slots=True)
class Released:
    """Bytes to pass on; *is_end*: settle the call before passing them on."""

    data: bytes
    is_end: bool


class ChatStream:
    """Watches a stream of chat completion events (server-sent events).

    Events pass as they came. The call must be settled before the event that SDKs take
    for the end (`[DONE]`) or for the bill (the usage chunk). The usage chunk that only
    we asked for is taken out.
    """

    def __init__(self, *, withholds_usage: bool) -> None:
        self.usage: Usage | None = None
        self.is_done = False
        self.error: dict[str, Any] | None = None
        self._withholds_usage = withholds_usage
        self._held = b""

    def feed(self, data: bytes) -> list[Released]:
        """Take what came; return what may go, in order.

        Raises ValueError when an event grows beyond 16 MiB.
        """
        self._held += data
        released: list[Released] = []
        plain = b""
        while (end := _end_of_event(self._held)) is not None:
            event, self._held = self._held[:end], self._held[end:]
            if not self._is_special(event):
                plain += event
                continue
            if plain:
                released.append(Released(plain, is_end=False))
                plain = b""
            released.append(self._special(event))
        if plain:
            released.append(Released(plain, is_end=False))
        if len(self._held) > _LONGEST_EVENT_BYTES:
            raise ValueError("an event is too long")
        return released

    def rest(self) -> bytes:
        """Return what came after the last whole event."""
        held, self._held = self._held, b""
        return held

    @staticmethod
    def _is_special(event: bytes) -> bool:
        """Tell cheaply which events may carry usage, an error, or the end."""
        return b'"usage"' in event or b'"error"' in event or _DONE in event

    def _special(self, event: bytes) -> Released:
        data = _data_of(event)
        if data == _DONE:
            self.is_done = True
            return Released(event, is_end=True)
        chunk = _parsed(data)
        if isinstance(chunk.get("error"), dict):
            self.error = chunk["error"]
            return Released(event, is_end=True)
        usage = usage_of(chunk)
        if usage is None:
            return Released(event, is_end=False)
        self.usage = usage
        is_bill = chunk.get("choices") == []
        if is_bill and self._withholds_usage:
            return Released(b"", is_end=True)
        return Released(event, is_end=is_bill)


def _end_of_event(held: bytes) -> int | None:
    """Find the blank line that ends an event: LF LF, or CR LF CR LF."""
    ends = [
        found + len(mark)
        for mark in (b"\n\n", b"\r\n\r\n")
        if (found := held.find(mark)) >= 0
    ]
    return min(ends, default=None)


def _data_of(event: bytes) -> bytes:
    """Join the event's `data` lines, as the HTML standard says (section 9.2.6)."""
    lines = [
        line[5:].removeprefix(b" ")
        for line in event.splitlines()
        if line.startswith(b"data:")
    ]
    return b"\n".join(lines)


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        chunk = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return chunk if isinstance(chunk, dict) else {}


def _detail(usage: dict[str, Any], group: str, name: str) -> Any:
    details = usage.get(group)
    return details.get(name) if isinstance(details, dict) else None


def _count(value: object) -> int | None:
    if value is None:
        return None
    if type(value) is not int or not 0 <= value <= _MOST_TOKENS:
        raise _AbsurdCountError
    return value


class _AbsurdCountError(Exception):
    """A figure that cannot be a number of tokens."""
