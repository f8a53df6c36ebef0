"""Anthropic's wire format, put together."""

from datetime import datetime

from agent_runner.proxy.headers import (
    bearer_of,
    request_fields,
    value_of,
)
from agent_runner.proxy.json_text import read_json
from agent_runner.proxy.keys import api_key_of
from agent_runner.proxy.renaming import renamed
from agent_runner.proxy.usage import NOTHING_USED
from agent_runner.proxy.wire_format import (
    AnswerStream,
    Asked,
    Fields,
    Outcome,
    Outgoing,
    Reply,
    WireFormat,
)
from shared.contracts.credentials import LeasedCredential, ProviderType
from shared.errors import WireFormatMismatchError

from .messages_stream import MessagesStream
from .models import models
from .refusals import refusal
from .requests import COUNT_TOKENS, MESSAGES, read_request, route_of
from .usage import report_in

__all__ = ["ANTHROPIC"]

_EVENT_STREAM = "text/event-stream"


def key_of(fields: Fields) -> str:
    """Read the key: SDKs before 2.0 send it as `X-Api-Key`, later ones as a bearer.

    Two different ones in a request are none, as for Anthropic itself.
    """
    keys = {value_of(fields, b"x-api-key"), bearer_of(fields)} - {""}
    key = keys.pop() if len(keys) == 1 else ""
    return key if key.isascii() else ""


def outgoing(asked: Asked, credential: LeasedCredential, _: datetime) -> Outgoing:
    """Send the key as `x-api-key`, which whatever speaks like Anthropic takes."""
    key = api_key_of(credential)
    return Outgoing(
        credential.base_url.rstrip("/") + asked.route.path,
        [*request_fields(asked.fields), (b"x-api-key", key.encode())],
    )


def stream_of(asked: Asked, content_type: str) -> AnswerStream | None:
    if asked.route.endpoint != MESSAGES or content_type != _EVENT_STREAM:
        return None
    return MessagesStream()


def outcome_of(asked: Asked, answer: Reply) -> Outcome:
    """Read what was used; counting tokens is free (API reference, "Count tokens")."""
    if asked.route.endpoint == COUNT_TOKENS:
        return Outcome(NOTHING_USED)
    return Outcome(report_in(read_json(answer.body)))


def asked_for(model: str, asked: Asked) -> Asked:
    """Models count differently: a count stays with its own."""
    if asked.route.endpoint == COUNT_TOKENS:
        raise WireFormatMismatchError("Another model's count is no substitute.")
    return renamed(model, asked)


ANTHROPIC = WireFormat(
    provider_type=ProviderType.ANTHROPIC,
    request_id_field=b"request-id",
    route_of=route_of,
    key_of=key_of,
    read_request=read_request,
    models=models,
    outgoing=outgoing,
    stream_of=stream_of,
    outcome_of=outcome_of,
    refusal=refusal,
    asked_for=asked_for,
)
