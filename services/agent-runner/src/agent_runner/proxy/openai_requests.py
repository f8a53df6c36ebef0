"""Reading what an OpenAI client sends: only what a rule needs, bytes kept as they are.

Source of the wire facts: the OpenAI API reference, and the `openai` package 3.54.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPMethod
from typing import Any

from shared.errors import MalformedError, MalformedJsonError, PathNotAllowedError

from .json_text import UnclearJsonError, decode, value_span

__all__ = ["ModelRequest", "Route", "read_request", "route_of"]


@dataclass(frozen=True, slots=True)
class Route:
    """An allowed path: *endpoint* names it in records, *is_model_call* meters it."""

    path: str
    endpoint: str
    is_model_call: bool
    may_stream: bool = False


_ROUTES: Mapping[tuple[str, str], Route] = {
    (HTTPMethod.POST, "chat/completions"): Route(
        "chat/completions", "chat.completions", is_model_call=True, may_stream=True
    ),
    (HTTPMethod.POST, "embeddings"): Route(
        "embeddings", "embeddings", is_model_call=True
    ),
    (HTTPMethod.GET, "models"): Route("models", "models", is_model_call=False),
}

# A reader that ignores case, as Go's does, would take `Model` for `model`.
_GOVERNED = frozenset({"model", "stream", "stream_options", "include_usage"})


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """A model call's body, with what the proxy must know of it.

    *withholds_usage*: the client did not ask for the usage chunk we ask for.
    """

    body: bytes
    model: str
    is_streamed: bool
    withholds_usage: bool


def route_of(method: str, path: str, query: str = "") -> Route:
    """Find *path* (below `/openai/v1/`, as it was sent) in the allow-list.

    Nothing is decoded or tidied first, and none of the paths takes a query.
    """
    route = _ROUTES.get((method, path))
    if route is None or query:
        raise PathNotAllowedError(
            "This proxy serves POST chat/completions, POST embeddings and GET models,"
            " without a query."
        )
    return route


def read_request(raw: bytes, route: Route) -> ModelRequest:
    """Read a body strictly: what means two things to two readers is refused.

    Raises `MalformedJsonError`, and `MalformedError` for JSON that is no model call.
    """
    text = _text(raw)
    body = _object(text)
    if not isinstance(body.get("model"), str):
        raise MalformedError("The body must name its model.")
    if not route.may_stream or not _flag(body, "stream"):
        return ModelRequest(
            raw, body["model"], is_streamed=False, withholds_usage=False
        )
    options = _options(body)
    if _flag(options, "include_usage"):
        return ModelRequest(raw, body["model"], is_streamed=True, withholds_usage=False)
    asking = _asking_for_usage(text, body).encode()
    return ModelRequest(asking, body["model"], is_streamed=True, withholds_usage=True)


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise MalformedJsonError("The body is not UTF-8.") from None


def _object(text: str) -> dict[str, Any]:
    try:
        body = decode(text)
    except UnclearJsonError:
        raise MalformedJsonError(
            "The body is not valid JSON, or repeats a name."
        ) from None
    if not isinstance(body, dict):
        raise MalformedError("The body must be a JSON object.")
    return _without_lookalikes(body)


def _without_lookalikes(fields: dict[str, Any]) -> dict[str, Any]:
    for name in fields:
        if name not in _GOVERNED and name.casefold() in _GOVERNED:
            raise MalformedError(f"Write {name.casefold()} in lower case.")
    return fields


def _flag(fields: Mapping[str, Any], name: str) -> bool:
    value = fields.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise MalformedError(f"{name} must be true or false.")


def _options(body: Mapping[str, Any]) -> dict[str, Any]:
    options = body.get("stream_options")
    if options is None:
        return {}
    if not isinstance(options, dict):
        raise MalformedError("stream_options must be an object.")
    return _without_lookalikes(options)


def _asking_for_usage(text: str, body: Mapping[str, Any]) -> str:
    """Ask for the usage chunk: without it a stream says nowhere what it used.

    Everything else keeps its bytes.
    """
    options = value_span(text, "stream_options")
    if options is None:
        return _inserted(text, 0, '"stream_options":{"include_usage":true},')
    if body["stream_options"] is None:
        return _replaced(text, options, '{"include_usage":true}')
    flag = value_span(text, "include_usage", at=options[0])
    if flag is not None:
        return _replaced(text, flag, "true")
    comma = "," if body["stream_options"] else ""
    return _inserted(text, options[0], f'"include_usage":true{comma}')


def _inserted(text: str, at: int, member: str) -> str:
    """Set *member* before the first of the object that begins at *at*."""
    start = text.index("{", at) + 1
    return text[:start] + member + text[start:]


def _replaced(text: str, span: tuple[int, int], value: str) -> str:
    start, end = span
    return text[:start] + value + text[end:]
