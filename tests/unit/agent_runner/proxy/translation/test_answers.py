"""Answers of Anthropic and Bedrock, as a client of chat completions reads them."""

import json
from collections.abc import Iterator, Mapping
from struct import pack
from typing import Any
from zlib import crc32

from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from tests.unit.agent_runner.proxy.cutting import pieces_of

from agent_runner.proxy.translation.answers import (
    FINISH_REASONS,
    Stamp,
    completion,
    said_by_anthropic,
    said_by_converse,
)
from agent_runner.proxy.translation.chunks import Chunks
from agent_runner.proxy.translation.streams import ConverseAsChunks, MessagesAsChunks
from agent_runner.proxy.wire_format import AnswerStream
from agent_runner.used import Used

STAMP = Stamp("chatcmpl-1", "claude-opus-5", 1_700_000_000)
USED = Used(
    input_tokens=3,
    cached_input_tokens=5,
    cache_write_5m_tokens=7,
    cache_write_1h_tokens=0,
    output_tokens=11,
)

_TEXT = st.text(max_size=20)
_WORDS = st.lists(_TEXT.filter(bool), min_size=1, max_size=3)
_INPUT = st.dictionaries(_TEXT, st.integers() | _TEXT, max_size=3)
_NAME = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
_TEXT_BLOCK = _WORDS.map(lambda words: {"words": words})
_CALL = st.builds(
    lambda call_id, name, given: {"id": call_id, "name": name, "input": given},
    _NAME,
    _NAME,
    _INPUT,
)
BLOCKS = st.lists(_TEXT_BLOCK | _CALL | st.just({"thought": "Hm."}), max_size=4)
REASONS = st.sampled_from(sorted(FINISH_REASONS))


def anthropic_message(blocks: list[Any], reason: str) -> dict[str, Any]:
    content = []
    for each in blocks:
        if "words" in each:
            content.append({"type": "text", "text": "".join(each["words"])})
        elif "thought" in each:
            content.append({"type": "thinking", "thinking": each["thought"]})
        else:
            content.append({"type": "tool_use", **each})
    return {"type": "message", "content": content, "stop_reason": reason}


def converse_body(blocks: list[Any], reason: str) -> dict[str, Any]:
    content: list[Any] = []
    for each in blocks:
        if "words" in each:
            content.append({"text": "".join(each["words"])})
        elif "thought" in each:
            content.append({"reasoningContent": {"reasoningText": {"text": "Hm."}}})
        else:
            use = {"toolUseId": each["id"], "name": each["name"]}
            content.append({"toolUse": use | {"input": each["input"]}})
    return {"output": {"message": {"content": content}}, "stopReason": reason}


def anthropic_events(blocks: list[Any], reason: str) -> Iterator[bytes]:
    def event(kind: str, **fields: Any) -> bytes:
        said = json.dumps({"type": kind, **fields})
        return f"event: {kind}\ndata: {said}\n\n".encode()

    yield event("message_start", message={"usage": {"input_tokens": 3}})
    yield event("ping")
    for index, each in enumerate(blocks):
        if "words" in each:
            begun = {"type": "text", "text": ""}
            deltas = [{"type": "text_delta", "text": text} for text in each["words"]]
        elif "thought" in each:
            begun = {"type": "thinking", "thinking": ""}
            deltas = [{"type": "thinking_delta", "thinking": each["thought"]}]
        else:
            begun = {"type": "tool_use", "id": each["id"], "name": each["name"]}
            deltas = [
                {"type": "input_json_delta", "partial_json": piece}
                for piece in _pieces(each["input"])
            ]
        yield event("content_block_start", index=index, content_block=begun)
        for delta in deltas:
            yield event("content_block_delta", index=index, delta=delta)
        yield event("content_block_stop", index=index)
    usage = {
        "cache_read_input_tokens": 5,
        "cache_creation_input_tokens": 7,
        "output_tokens": 11,
    }
    yield event("message_delta", delta={"stop_reason": reason}, usage=usage)
    yield event("message_stop")


def converse_frames(blocks: list[Any], reason: str) -> Iterator[bytes]:
    yield frame("messageStart", {"role": "assistant"})
    for index, each in enumerate(blocks):
        at = {"contentBlockIndex": index}
        if "words" in each:
            deltas: list[Any] = [{"text": text} for text in each["words"]]
        elif "thought" in each:
            deltas = [{"reasoningContent": {"text": each["thought"]}}]
        else:
            use = {"toolUseId": each["id"], "name": each["name"]}
            yield frame("contentBlockStart", {"start": {"toolUse": use}, **at})
            deltas = [{"toolUse": {"input": piece}} for piece in _pieces(each["input"])]
        for delta in deltas:
            yield frame("contentBlockDelta", {"delta": delta, **at})
        yield frame("contentBlockStop", at)
    yield frame("messageStop", {"stopReason": reason})
    usage = {
        "inputTokens": 3,
        "outputTokens": 11,
        "cacheReadInputTokens": 5,
        "cacheWriteInputTokens": 7,
    }
    yield frame("metadata", {"usage": usage})


def frame(kind: str, payload: Mapping[str, Any]) -> bytes:
    def header(name: str, value: str) -> bytes:
        return (
            pack(">B", len(name))
            + name.encode()
            + pack(">BH", 7, len(value))
            + (value.encode())
        )

    headers = header(":message-type", "event") + header(":event-type", kind)
    body = json.dumps(payload).encode()
    prelude = pack(">II", 16 + len(headers) + len(body), len(headers))
    prelude += pack(">I", crc32(prelude))
    return prelude + headers + body + pack(">I", crc32(prelude + headers + body))


def _pieces(given: Mapping[str, Any]) -> list[str]:
    """Cut arguments in two; of none nothing is said, as Anthropic does."""
    if not given:
        return []
    text = json.dumps(given, separators=(",", ":"))
    return ["", text[:3], text[3:]]


def streamed(stream: AnswerStream, pieces: list[bytes]) -> list[dict[str, Any]]:
    """Pass a stream, and read the chunks that come of it as the SDK does."""
    passed = b""
    for piece in pieces:
        released = stream.feed(piece)
        passed += released.body + released.end
    passed += stream.end()
    events = [each for each in passed.split(b"\n\n") if each.startswith(b"data: ")]
    assert events[-1] == b"data: [DONE]"
    return [json.loads(each.removeprefix(b"data: ")) for each in events[:-1]]


def gathered(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """Put deltas together: the message that an SDK's user makes of them."""
    text, finish, usage = None, None, None
    calls: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk, strict=True)
        usage = chunk["usage"] or usage
        for choice in chunk["choices"]:
            delta, finish = choice["delta"], choice["finish_reason"] or finish
            if delta.get("content"):
                text = (text or "") + delta["content"]
            for call in delta.get("tool_calls", []):
                known = calls.setdefault(call["index"], {"arguments": ""})
                known |= {"id": call["id"]} if "id" in call else {}
                function = call["function"]
                known |= {"name": function["name"]} if "name" in function else {}
                known["arguments"] += function["arguments"]
    assert sorted(calls) == list(range(len(calls)))
    return {
        "text": text,
        "calls": [calls[index] for index in sorted(calls)],
        "finish": finish,
        "usage": usage,
    }


def told(whole: dict[str, Any]) -> dict[str, Any]:
    """Read the same of an answer in one piece."""
    read = ChatCompletion.model_validate(whole, strict=True).choices[0]
    return {
        "text": read.message.content,
        "calls": [
            {"id": each.id, **each.function.model_dump()}
            for each in read.message.tool_calls or []
            if each.type == "function"
        ],
        "finish": read.finish_reason,
        "usage": whole["usage"],
    }


@given(BLOCKS, REASONS, st.data())
def test_a_stream_of_anthropic_says_what_its_whole_answer_says(
    blocks: list[Any], reason: str, data: st.DataObject
) -> None:
    whole = completion(
        said_by_anthropic(anthropic_message(blocks, reason)), USED, STAMP
    )
    pieces = data.draw(pieces_of(b"".join(anthropic_events(blocks, reason))))
    stream = MessagesAsChunks(Chunks(STAMP, tells_usage=True))

    chunks = streamed(stream, pieces)

    assert gathered(chunks) == told(whole)
    assert stream.is_complete
    assert stream.failure is None


@given(BLOCKS, REASONS, st.data())
def test_a_stream_of_converse_says_what_its_whole_answer_says(
    blocks: list[Any], reason: str, data: st.DataObject
) -> None:
    whole = completion(said_by_converse(converse_body(blocks, reason)), USED, STAMP)
    pieces = data.draw(pieces_of(b"".join(converse_frames(blocks, reason))))
    stream = ConverseAsChunks(Chunks(STAMP, tells_usage=True))

    chunks = streamed(stream, pieces)

    assert gathered(chunks) == told(whole)
    assert stream.is_complete


@given(BLOCKS, REASONS)
def test_both_say_the_same_of_the_same(blocks: list[Any], reason: str) -> None:
    of_anthropic = said_by_anthropic(anthropic_message(blocks, reason))

    assert of_anthropic == said_by_converse(converse_body(blocks, reason))


def test_usage_counts_the_cache_as_part_of_the_prompt() -> None:
    said = said_by_anthropic(anthropic_message([], "end_turn"))

    usage = completion(said, USED, STAMP)["usage"]

    assert usage["prompt_tokens"] == 15
    assert usage["total_tokens"] == 26
    assert usage["prompt_tokens_details"] == {
        "cached_tokens": 5,
        "cache_write_tokens": 7,
    }


def test_usage_is_told_only_to_who_asked_for_it() -> None:
    stream = MessagesAsChunks(Chunks(STAMP, tells_usage=False))

    chunks = streamed(stream, [*anthropic_events([{"words": ["Hi."]}], "end_turn")])

    assert all("usage" not in each for each in chunks)
    assert stream.report.usage is not None


def test_a_reason_that_is_none_makes_the_answer_a_failure() -> None:
    frames = [*converse_frames([{"words": ["Hi."]}], "malformed_tool_use")]
    stream = ConverseAsChunks(Chunks(STAMP, tells_usage=True))

    passed = b"".join(stream.feed(each).body + stream.feed(b"").end for each in frames)

    assert stream.failure is not None
    assert b"Hi." in passed
    said = said_by_converse(converse_body([], "malformed_tool_use"))
    assert said.finish_reason is None


def test_an_error_in_the_middle_is_told_without_an_end() -> None:
    words, *_ = [*anthropic_events([{"words": ["Hi."]}], "end_turn")]
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Busy."}}
    stream = MessagesAsChunks(Chunks(STAMP, tells_usage=True))
    stream.feed(words)

    released = stream.feed(f"event: error\ndata: {json.dumps(error)}\n\n".encode())

    assert b'"message":"Busy."' in released.end
    assert b"[DONE]" not in released.end
    assert stream.failure is not None
