"""OpenAI's wire format, put together."""

from datetime import datetime

from agent_runner.proxy.headers import bearer_of, request_fields
from agent_runner.proxy.json_text import read_json
from agent_runner.proxy.keys import api_key_of
from agent_runner.proxy.usage import Report
from agent_runner.proxy.wire_format import (
    AnswerStream,
    Asked,
    Outgoing,
    Reply,
    WireFormat,
)
from shared.contracts.credentials import LeasedCredential, ProviderType

from .chat_stream import ChatStream
from .models import models
from .refusals import refusal
from .requests import EMBEDDINGS, read_request, route_of
from .usage import report_in

__all__ = ["OPENAI"]

_EVENT_STREAM = "text/event-stream"


def outgoing(asked: Asked, credential: LeasedCredential, _: datetime) -> Outgoing:
    key = api_key_of(credential)
    return Outgoing(
        credential.base_url.rstrip("/") + asked.route.path,
        [*request_fields(asked.fields), (b"authorization", f"Bearer {key}".encode())],
    )


def stream_of(asked: Asked, content_type: str) -> AnswerStream | None:
    if asked.route is EMBEDDINGS or content_type != _EVENT_STREAM:
        return None
    return ChatStream(withholds_usage=asked.request.withholds_usage)


def report_of(_: Asked, answer: Reply) -> Report:
    return report_in(read_json(answer.body))


OPENAI = WireFormat(
    provider_type=ProviderType.OPENAI,
    request_id_field=b"x-request-id",
    route_of=route_of,
    key_of=bearer_of,
    read_request=read_request,
    models=models,
    outgoing=outgoing,
    stream_of=stream_of,
    report_of=report_of,
    refusal=refusal,
)
