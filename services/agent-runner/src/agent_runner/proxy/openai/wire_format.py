"""OpenAI's wire format, put together."""

from datetime import datetime

from agent_runner.proxy.headers import bearer_of, request_fields
from agent_runner.proxy.json_text import read_object
from agent_runner.proxy.keys import api_key_of
from agent_runner.proxy.renaming import renamed
from agent_runner.proxy.wire_format import (
    AnswerStream,
    Asked,
    Outcome,
    Outgoing,
    Reply,
    WireFormat,
)
from shared.contracts.credentials import LeasedCredential, ProviderType
from shared.errors import WireFormatMismatchError

from .chat_stream import ChatStream
from .models import models
from .refusals import refusal
from .requests import EMBEDDINGS, RESPONSES, bounded, read_request, route_of
from .responses_stream import ResponsesStream
from .usage import outcome_of_response, report_in, without_vectors

__all__ = ["OPENAI"]

_EVENT_STREAM = "text/event-stream"


def outgoing(asked: Asked, credential: LeasedCredential, _: datetime) -> Outgoing:
    key = api_key_of(credential)
    return Outgoing(
        credential.base_url.rstrip("/") + asked.route.path,
        [*request_fields(asked.fields), (b"authorization", f"Bearer {key}".encode())],
    )


def stream_of(asked: Asked, content_type: str) -> AnswerStream | None:
    if asked.route == EMBEDDINGS or content_type != _EVENT_STREAM:
        return None
    if asked.route == RESPONSES:
        return ResponsesStream()
    return ChatStream(withholds_usage=asked.request.withholds_usage)


def outcome_of(asked: Asked, answer: Reply) -> Outcome:
    if asked.route == EMBEDDINGS:
        return Outcome(report_in(read_object(without_vectors(answer.body))))
    body = read_object(answer.body)
    if asked.route == RESPONSES:
        return outcome_of_response(body)
    return Outcome(report_in(body))


def asked_for(model: str, asked: Asked) -> Asked:
    """Vectors of two models cannot be compared: embeddings stay with theirs."""
    if asked.route == EMBEDDINGS:
        raise WireFormatMismatchError("Another model's embeddings are no substitute.")
    return renamed(model, asked)


OPENAI = WireFormat(
    provider_type=ProviderType.OPENAI,
    request_id_field=b"x-request-id",
    route_of=route_of,
    key_of=bearer_of,
    read_request=read_request,
    models=models,
    outgoing=outgoing,
    stream_of=stream_of,
    outcome_of=outcome_of,
    refusal=refusal,
    asked_for=asked_for,
    bounded=bounded,
)
