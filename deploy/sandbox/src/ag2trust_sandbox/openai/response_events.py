"""The events in which a response is streamed.

Their order: OpenAI API reference, "Responses", "Streaming events".
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count

from pydantic import JsonValue

from ag2trust_sandbox.encoding import MALFORMED_EVENT, encode_named_event
from ag2trust_sandbox.reply import Stream
from ag2trust_sandbox.script import Step

from .errors import error_object
from .response_items import OutputItem

__all__ = ["response_stream"]

Event = dict[str, JsonValue]


def response_stream(
    step: Step,
    *,
    begun: Mapping[str, JsonValue],
    items: Sequence[OutputItem],
    ended: Mapping[str, JsonValue],
) -> Stream:
    """Stream the response from *begun* to *ended*; the last event has its usage."""
    numbers = count()
    content = tuple(
        encode_named_event({**event, "sequence_number": next(numbers)})
        for event in (*_beginning(begun), *_middle(items))
    )
    end: Event = {"type": f"response.{ended['status']}", "response": dict(ended)}
    return Stream(
        content=content,
        usage=(encode_named_event({**end, "sequence_number": next(numbers)}),),
        end=(),
        error=encode_named_event(_error_event(step)),
        malformed=MALFORMED_EVENT,
    )


def _beginning(begun: Mapping[str, JsonValue]) -> Iterator[Event]:
    yield {"type": "response.created", "response": dict(begun)}
    yield {"type": "response.in_progress", "response": dict(begun)}


def _middle(items: Sequence[OutputItem]) -> Iterator[Event]:
    for index, item in enumerate(items):
        place: Event = {"output_index": index}
        yield {"type": "response.output_item.added", **place, "item": item.begun}
        for event in item.growth():
            yield {**event, "item_id": item.id, **place}
        yield {"type": "response.output_item.done", **place, "item": item.whole}


def _error_event(step: Step) -> Event:
    """Flat, unlike all other errors; numbered as if it came after `after_frames`."""
    error = error_object(step)
    return {
        "type": "error",
        "code": error["code"] or "server_error",
        "message": error["message"],
        "param": error["param"],
        "sequence_number": step.after_frames or 0,
    }
