"""Chats that go to another type of provider: the wire formats put together.

To the client such a format is OpenAI's, to the provider its own.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from agent_runner.proxy.anthropic.requests import MESSAGES
from agent_runner.proxy.anthropic.wire_format import ANTHROPIC
from agent_runner.proxy.bedrock.requests import CONVERSE, CONVERSE_STREAM, route_to
from agent_runner.proxy.bedrock.wire_format import BEDROCK
from agent_runner.proxy.json_text import read_object
from agent_runner.proxy.openai.refusals import error_body
from agent_runner.proxy.openai.requests import CHAT
from agent_runner.proxy.openai.wire_format import OPENAI
from agent_runner.proxy.wire_format import (
    AnswerStream,
    Asked,
    Fields,
    ModelRequest,
    Outcome,
    Reply,
    Route,
    Translation,
    WireFormat,
)
from shared.contracts.base import Explanation
from shared.contracts.credentials import ProviderType
from shared.errors import WireFormatMismatchError
from shared.ids import new_id
from shared.provider_errors.rows import Failure

from .answers import (
    Said,
    Stamp,
    completion,
    said_by_anthropic,
    said_by_converse,
)
from .asking_anthropic import messages_request
from .asking_converse import converse_request
from .chunks import Chunks
from .reading import chat_in
from .streams import ConverseAsChunks, MessagesAsChunks

__all__ = ["format_to", "translated"]

_LABELS = b"x-ag2trust-labels"
_JSON: tuple[bytes, bytes] = (b"content-type", b"application/json")
# The version that takes sampling parameters, of models that do.
_VERSION: tuple[bytes, bytes] = (b"anthropic-version", b"2023-06-01")
# Anthropic wants a limit; every model of it gives that many tokens.
_MAX_TOKENS = 4096
# What official clients of OpenAI know nothing of.
_STATUSES = {424: 502, 529: 503}


def format_to(provider_type: ProviderType) -> WireFormat:
    """Give the format in which a chat goes to a provider that is not OpenAI's."""
    return _FORMATS[provider_type]


def translated(
    to: ProviderType, model: str, max_tokens: int | None, asked: Asked
) -> Asked:
    """Ask another type of provider for the same as a chat of OpenAI's.

    *max_tokens* is for a chat that names no limit. Raises `TranslationRefusedError`,
    and `WireFormatMismatchError` for what is no chat.
    """
    if asked.route != CHAT:
        raise WireFormatMismatchError(
            f"The provider is of the type {to}: of this path, only chat/completions is"
            " translated."
        )
    chat = chat_in(read_object(asked.request.body))
    is_streamed = asked.request.is_streamed
    most_output = chat.max_tokens or max_tokens
    if to is ProviderType.ANTHROPIC:
        most_output = most_output or _MAX_TOKENS
        route, version = Route(MESSAGES, f"/v1/{MESSAGES}"), [_VERSION]
        body = messages_request(
            chat,
            model=model,
            max_tokens=most_output,
            is_streamed=is_streamed,
        )
    else:
        route, version = (
            route_to(model, CONVERSE_STREAM if is_streamed else CONVERSE),
            [],
        )
        body = converse_request(chat, model=model, max_tokens=max_tokens)
    request = ModelRequest(
        json.dumps(body, ensure_ascii=False).encode(errors="backslashreplace"),
        model,
        is_streamed=is_streamed,
        withholds_usage=asked.request.withholds_usage,
        most_output=most_output,
    )
    return Asked(route, request, [_JSON, *version, *_labels(asked.fields)])


def _labels(fields: Fields) -> Fields:
    return [field for field in fields if field[0] == _LABELS]


def _translation(said_by: Callable[[Mapping[str, Any]], Said]) -> Translation:
    def whole(asked: Asked, body: bytes, outcome: Outcome) -> bytes:
        said = said_by(read_object(body))
        told = completion(said, outcome.report.usage, _stamp(asked))
        return json.dumps(told, separators=(",", ":")).encode()

    return Translation(whole=whole, refused=_refused)


def _refused(status: int, explanation: Explanation) -> Reply:
    """Word a provider's error as OpenAI's, with our own code for it."""
    told = _STATUSES.get(status, status)
    body = error_body(told, explanation.message, explanation.code.lower())
    return Reply(told, [], json.dumps(body).encode())


def _outcome_of(
    native: WireFormat, said_by: Callable[[Mapping[str, Any]], Said]
) -> Callable[[Asked, Reply], Outcome]:
    def outcome_of(asked: Asked, answer: Reply) -> Outcome:
        outcome = native.outcome_of(asked, answer)
        if said_by(read_object(answer.body)).finish_reason is not None:
            return outcome
        failure = Failure(502, (), "The provider's answer is not well-formed.")
        return outcome._replace(failure=failure)

    return outcome_of


def _stream_of(
    native: WireFormat, as_chunks: Callable[[Chunks], AnswerStream]
) -> Callable[[Asked, str], AnswerStream | None]:
    def stream_of(asked: Asked, content_type: str) -> AnswerStream | None:
        if native.stream_of(asked, content_type) is None:
            return None
        tells_usage = not asked.request.withholds_usage
        return as_chunks(Chunks(_stamp(asked), tells_usage=tells_usage))

    return stream_of


def _stamp(asked: Asked) -> Stamp:
    return Stamp(f"chatcmpl-{new_id().hex}", asked.request.model, int(time.time()))


def _format(
    native: WireFormat,
    said_by: Callable[[Mapping[str, Any]], Said],
    as_chunks: Callable[[Chunks], AnswerStream],
) -> WireFormat:
    return replace(
        OPENAI,
        provider_type=native.provider_type,
        request_id_field=native.request_id_field,
        outgoing=native.outgoing,
        stream_of=_stream_of(native, as_chunks),
        outcome_of=_outcome_of(native, said_by),
        translation=_translation(said_by),
    )


_FORMATS = {
    ProviderType.ANTHROPIC: _format(ANTHROPIC, said_by_anthropic, MessagesAsChunks),
    ProviderType.BEDROCK: _format(BEDROCK, said_by_converse, ConverseAsChunks),
}
