"""Bedrock's wire format, put together."""

import re
from datetime import datetime
from urllib.parse import urlsplit

from agent_runner.proxy.headers import bearer_of, request_fields, value_of
from agent_runner.proxy.json_text import read_object
from agent_runner.proxy.keys import api_key_of, aws_keys_of
from agent_runner.proxy.wire_format import (
    AnswerStream,
    Asked,
    Fields,
    Outcome,
    Outgoing,
    Reply,
    WireFormat,
)
from shared.aws_signature import signature_headers
from shared.bedrock_models import vendor_of
from shared.contracts.credentials import LeasedCredential, ProviderType
from shared.errors import UnavailableError, WireFormatMismatchError

from .refusals import refusal
from .requests import CONVERSE, CONVERSE_STREAM, read_request, route_of, route_to
from .streams import ConverseStream, InvokeStream
from .usage import report_of_conversation, report_of_invocation

__all__ = ["BEDROCK"]

_EVENT_STREAM = "application/vnd.amazon.eventstream"
_SERVICE = "bedrock"
_SCOPE = re.compile(r"AWS4-HMAC-SHA256\s+(?:.*[\s,])?Credential=([^\s,/]++)/")
_SIGNED = (b"content-type", b"x-amzn-bedrock-")


def key_of(fields: Fields) -> str:
    """Read the access key id in the signature's credential scope, or the bearer key.

    The signature itself proves nothing here: an access key id that stands for an agent
    is its token, a secret as any bearer's.
    """
    scope = _SCOPE.match(value_of(fields, b"authorization"))
    if scope is None:
        return bearer_of(fields)
    return scope[1] if scope[1].isascii() else ""


def outgoing(asked: Asked, credential: LeasedCredential, now: datetime) -> Outgoing:
    """Sign the request, or send the bearer key with it."""
    url = credential.base_url.rstrip("/") + asked.route.path
    passing = request_fields(asked.fields)
    if "api_key" in credential.fields:
        authorization = f"Bearer {api_key_of(credential)}".encode()
        return Outgoing(url, [*passing, (b"authorization", authorization)])
    if credential.aws_region is None:
        raise UnavailableError("The provider has no region; its operator must set one.")
    parts = urlsplit(url)
    signature = signature_headers(
        aws_keys_of(credential),
        method="POST",
        host=parts.netloc,
        path=parts.path,
        headers={
            name.decode(): value.decode("latin-1")
            for name, value in passing
            if name.lower().startswith(_SIGNED) and value.isascii()
        },
        body=asked.request.body,
        region=credential.aws_region,
        service=_SERVICE,
        now=now,
    )
    signed = [
        (name.lower().encode(), value.encode()) for name, value in signature.items()
    ]
    return Outgoing(url, [*passing, *signed])


def stream_of(asked: Asked, content_type: str) -> AnswerStream | None:
    if content_type != _EVENT_STREAM:
        return None
    if asked.route.endpoint == CONVERSE_STREAM:
        return ConverseStream()
    return InvokeStream()


def outcome_of(asked: Asked, answer: Reply) -> Outcome:
    body = read_object(answer.body)
    if asked.route.endpoint == CONVERSE:
        return Outcome(report_of_conversation(body))
    return Outcome(report_of_invocation(answer.fields, body))


def asked_for(model: str, asked: Asked) -> Asked:
    """Converse is the same for every model; an invocation is its vendor's own."""
    if asked.route.endpoint not in {CONVERSE, CONVERSE_STREAM} and (
        vendor_of(model) != vendor_of(asked.request.model)
    ):
        raise WireFormatMismatchError(
            "Another vendor's model does not take this invocation; use converse."
        )
    return Asked(
        route_to(model, asked.route.endpoint),
        asked.request._replace(model=model),
        asked.fields,
    )


BEDROCK = WireFormat(
    provider_type=ProviderType.BEDROCK,
    request_id_field=b"x-amzn-requestid",
    route_of=route_of,
    key_of=key_of,
    read_request=read_request,
    outgoing=outgoing,
    stream_of=stream_of,
    outcome_of=outcome_of,
    refusal=refusal,
    signs_each=True,
    asked_for=asked_for,
)
