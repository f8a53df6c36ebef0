"""How near the estimates of what was said come to it, in every format."""

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from ag2trust_sandbox.bedrock.event_stream import encode_event
from agent_runner.proxy.answer_stream import EventStream
from agent_runner.proxy.anthropic.messages_stream import MessagesStream
from agent_runner.proxy.bedrock.streams import ConverseStream
from agent_runner.proxy.openai.chat_stream import ChatStream
from agent_runner.proxy.openai.responses_stream import ResponsesStream

_PADDING = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def chat(text: str) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [choice]}
    return f"data: {json.dumps(chunk)}\n\n".encode()


def event(**data: Any) -> bytes:
    return f"event: {data['type']}\ndata: {json.dumps(data)}\n\n".encode()


def response(text: str) -> bytes:
    return event(type="response.output_text.delta", delta=text, item_id="msg_1")


def message(text: str) -> bytes:
    delta = {"type": "text_delta", "text": text}
    return event(type="content_block_delta", index=0, delta=delta)


def conversation(text: str) -> bytes:
    """Pad the frame as Bedrock does, by chance."""
    padding = _PADDING[: random.randrange(len(_PADDING))]  # noqa: S311
    return encode_event("contentBlockDelta", {"delta": {"text": text}, "p": padding})


FORMATS: list[tuple[Callable[[], EventStream], Callable[[str], bytes]]] = [
    (lambda: ChatStream(withholds_usage=True), chat),
    (ResponsesStream, response),
    (MessagesStream, message),
    (ConverseStream, conversation),
]


@pytest.mark.parametrize(("open_stream", "said"), FORMATS)
@pytest.mark.parametrize("word", ["word", "more words than one, as some do. "])
def test_what_was_said_is_estimated_by_its_length(
    open_stream: Callable[[], EventStream], said: Callable[[str], bytes], word: str
) -> None:
    random.seed(7)
    stream = open_stream()

    for _ in range(100):
        stream.feed(said(word))

    expected = 100 * len(word) / 4
    assert stream.spoken.has_words
    assert stream.spoken.tokens is not None
    assert expected / 2 <= stream.spoken.tokens <= expected * 2


def test_words_of_any_depth_are_measured() -> None:
    stream = ChatStream(withholds_usage=True)
    deep = "[" * 900 + '"word"' + "]" * 900

    stream.feed(b'data: {"choices":[{"delta":{"x":%b}}]}\n\n' % deep.encode())

    assert stream.spoken.tokens == 1


@pytest.mark.parametrize(("open_stream", "_"), FORMATS)
def test_before_the_first_word_nothing_was_said(
    open_stream: Callable[[], EventStream], _: object
) -> None:
    stream = open_stream()

    assert not stream.spoken.has_words
    assert stream.spoken.tokens == 0
