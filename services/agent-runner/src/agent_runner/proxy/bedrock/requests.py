"""Reading what a client of Bedrock's runtime sends: the model is in the path.

Source: the service model bedrock-runtime/2023-09-30 of botocore 1.44.
"""

import re
from collections.abc import Mapping
from http import HTTPMethod
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from agent_runner.proxy.request_body import object_of, whole_number
from agent_runner.proxy.wire_format import ModelRequest, Route
from shared.errors import MalformedError, PathNotAllowedError

from .features import features_of_conversation, features_of_invocation

__all__ = [
    "CONVERSE",
    "CONVERSE_STREAM",
    "INVOKE",
    "INVOKE_STREAM",
    "read_request",
    "route_of",
    "route_to",
]

CONVERSE = "converse"
CONVERSE_STREAM = "converse-stream"
INVOKE = "invoke"
INVOKE_STREAM = "invoke-with-response-stream"
_OPERATIONS = (CONVERSE, CONVERSE_STREAM, INVOKE, INVOKE_STREAM)
_STREAMS = (CONVERSE_STREAM, INVOKE_STREAM)
_CONVERSATIONS = (CONVERSE, CONVERSE_STREAM)

# Converse, then the bodies of Nova, Titan, Anthropic, Llama and others.
_CONFIGURATIONS = ("inferenceConfig", "textGenerationConfig")
_MOST_OUTPUT = (
    "maxTokens",
    "max_new_tokens",
    "maxTokenCount",
    "max_tokens",
    "max_completion_tokens",
    "max_gen_len",
)

# SDKs differ in what they encode of a model id: `:` comes raw and as `%3A`.
_PATH = re.compile(
    r"model/(?P<model>(?:[A-Za-z0-9._~:+-]|%[0-9A-Fa-f]{2})+)"
    rf"/(?P<operation>{'|'.join(_OPERATIONS)})"
)


def route_of(method: str, path: str, query: str) -> Route:
    found = _PATH.fullmatch(path)
    if method != HTTPMethod.POST or found is None or query:
        raise PathNotAllowedError(
            f"This proxy serves POST model/{{id}}/{', '.join(_OPERATIONS)} below"
            " /bedrock, without a query."
        )
    return route_to(_decoded(found["model"]), found["operation"])


def route_to(model: str, operation: str) -> Route:
    return Route(operation, f"/model/{quote(model, safe='')}/{operation}", model=model)


def _decoded(text: str) -> str:
    """Decode a model id, once."""
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise MalformedError("The model id is not UTF-8.") from None


def read_request(route: Route, raw: bytes) -> ModelRequest:
    """Read a body; raises `MalformedJsonError` and `MalformedError`."""
    _, body = object_of(raw, governed=())
    if route.endpoint in _CONVERSATIONS:
        features = features_of_conversation(body, raw)
    else:
        features = features_of_invocation(body, raw)
    return ModelRequest(
        raw,
        route.model,
        is_streamed=route.endpoint in _STREAMS,
        features=features,
        most_output=_most_output(body),
    )


def _most_output(body: Mapping[str, Any]) -> int | None:
    """Read the most output tokens, by the names that models have for it."""
    groups = (body, *(body.get(name) for name in _CONFIGURATIONS))
    given = [
        most
        for group in groups
        if isinstance(group, dict)
        for name in _MOST_OUTPUT
        if (most := whole_number(group, name))
    ]
    return max(given, default=None)
