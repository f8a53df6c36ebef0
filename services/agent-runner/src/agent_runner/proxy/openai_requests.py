"""Reading what an OpenAI client sends: only what a rule needs, bytes kept as they are.

Source of the wire facts: the OpenAI API reference, and the `openai` package 3.54.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPMethod
from typing import Any

from shared.errors import MalformedJsonError, PathNotAllowedError

__all__ = ["ModelRequest", "Route", "read_request", "route_of"]


@dataclass(frozen=True, slots=True)
class Route:
    """An allowed path: *endpoint* names it in records, *is_model_call* meters it."""

    endpoint: str
    is_model_call: bool


_ROUTES: Mapping[tuple[str, str], Route] = {
    (HTTPMethod.POST, "chat/completions"): Route(
        "chat.completions", is_model_call=True
    ),
    (HTTPMethod.POST, "embeddings"): Route("embeddings", is_model_call=True),
    (HTTPMethod.GET, "models"): Route("models", is_model_call=False),
}


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """A model call's body, with what the proxy must know of it.

    *withholds_usage*: the client did not ask for the usage chunk we ask for.
    """

    body: bytes
    model: str
    is_streamed: bool
    withholds_usage: bool


def route_of(method: str, path: str) -> Route:
    """Find *path* (below `/openai/v1/`) in the allow-list."""
    route = _ROUTES.get((method, path))
    if route is None:
        raise PathNotAllowedError(f"{method} /{path} is not served by this proxy.")
    return route


def read_request(raw: bytes) -> ModelRequest:
    """Read a body strictly: duplicate keys could mean one thing here, another there."""
    try:
        body = json.loads(raw, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise MalformedJsonError("The body is not valid JSON.") from error
    if not isinstance(body, dict) or not isinstance(body.get("model"), str):
        raise MalformedJsonError("The body must be an object with a model.")
    is_streamed = body.get("stream") is True
    wants_usage = _wants_usage(body.get("stream_options"))
    if is_streamed and not wants_usage:
        raw = _asking_for_usage(raw, body)
    return ModelRequest(
        body=raw,
        model=body["model"],
        is_streamed=is_streamed,
        withholds_usage=is_streamed and not wants_usage,
    )


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("duplicate key")
    return fields


def _wants_usage(options: object) -> bool:
    return isinstance(options, dict) and options.get("include_usage") is True


def _asking_for_usage(raw: bytes, body: dict[str, Any]) -> bytes:
    """Ask for the usage chunk: without it a stream says nowhere what it used.

    Where the client sent no options of its own, the bytes are kept and ours are set
    before its first field.
    """
    if "stream_options" not in body:
        head, brace, rest = raw.partition(b"{")
        return head + brace + b'"stream_options":{"include_usage":true},' + rest
    options = body["stream_options"] or {}
    body["stream_options"] = {**options, "include_usage": True}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
