"""What all answers of one provider have in common."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Final

from pydantic import JsonValue

from .encoding import encode_json
from .refusal import mismatch
from .reply import Reply, Stream, streamed, whole
from .script import Step
from .stamp import Stamp

__all__ = ["EVENT_STREAM", "Wire"]

EVENT_STREAM: Final = "text/event-stream; charset=utf-8"
_JSON: Final = "application/json"
_HTML: Final = "text/html; charset=utf-8"
_NONE: Final[Mapping[str, str]] = MappingProxyType({})


class Wire(ABC):
    """Replies in the format of one provider; a step's own headers come last and win."""

    stream_type: ClassVar[str]
    """Content type of a stream."""

    @abstractmethod
    def headers(self, step: Step, stamp: Stamp) -> Mapping[str, str]:
        """Give what every answer wears, errors included."""

    @abstractmethod
    def error_status(self, step: Step) -> int:
        """Give the status of what takes the place of an answer; 200 for a raw body."""

    @abstractmethod
    def error_body(self, step: Step, stamp: Stamp) -> Mapping[str, JsonValue]:
        """Give the error of *step*, completed with what the provider says."""

    def stream_reply(
        self,
        step: Step,
        stamp: Stamp,
        stream: Stream,
        headers: Mapping[str, str] = _NONE,
    ) -> Reply:
        """Answer with *stream* as far as *step* lets it."""
        worn = self._worn(step, stamp, self.stream_type, headers)
        return streamed(step, worn, stream)

    def object_reply(
        self, step: Step, stamp: Stamp, body: Mapping[str, JsonValue]
    ) -> Reply:
        """Answer what asks for no words; raises `RefusalError` if *step* has some."""
        if step.is_chat_answer:
            raise mismatch("answers a chat, but another endpoint was asked")
        return self.whole_reply(step, stamp, body)

    def whole_reply(
        self,
        step: Step,
        stamp: Stamp,
        body: Mapping[str, JsonValue],
        headers: Mapping[str, str] = _NONE,
    ) -> Reply:
        """Answer without a stream: *body*, or what *step* has in its place.

        Raises `RefusalError` if the step needs a stream.
        """
        if not step.is_success:
            return self.error_reply(step, stamp)
        if step.sends_error_event:
            raise mismatch("sends an error event, but no stream was asked for")
        return whole(step, self._worn(step, stamp, _JSON, headers), encode_json(body))

    def error_reply(self, step: Step, stamp: Stamp) -> Reply:
        """Answer with the error, redirect or raw body of *step*."""
        status = self.error_status(step)
        if step.raw_body is not None:
            worn = self._worn(step, stamp, _HTML)
            return whole(step, worn, step.raw_body.encode(), status=status)
        body = encode_json(self.error_body(step, stamp))
        return whole(step, self._worn(step, stamp, _JSON), body, status=status)

    def _worn(
        self,
        step: Step,
        stamp: Stamp,
        content_type: str,
        headers: Mapping[str, str] = _NONE,
    ) -> Mapping[str, str]:
        return {
            "content-type": content_type,
            **self.headers(step, stamp),
            **headers,
            **step.headers,
        }
