"""Reading what an OpenAI client sends: only what a rule needs, bytes kept as they are.

Source of the wire facts: the OpenAI API reference, and the `openai` package 3.54.
"""

from collections.abc import Mapping
from http import HTTPMethod
from typing import Any

from agent_runner.proxy.json_text import value_span
from agent_runner.proxy.request_body import (
    TERMS,
    flag,
    object_of,
    terms_of,
    whole_number,
    without_lookalikes,
)
from agent_runner.proxy.wire_format import ModelRequest, Route
from shared.errors import MalformedError, PathNotAllowedError

from .features import features_of

__all__ = ["CHAT", "EMBEDDINGS", "RESPONSES", "bounded", "read_request", "route_of"]

CHAT = Route("chat.completions", "/chat/completions")
EMBEDDINGS = Route("embeddings", "/embeddings")
RESPONSES = Route("responses", "/responses")
_ROUTES: Mapping[tuple[str, str], Route] = {
    (HTTPMethod.POST, "chat/completions"): CHAT,
    (HTTPMethod.POST, "embeddings"): EMBEDDINGS,
    (HTTPMethod.POST, "responses"): RESPONSES,
    (HTTPMethod.GET, "models"): Route("models", "/models", is_model_call=False),
}

# A reader that ignores case, as Go's does, would take `Model` for `model`.
_GOVERNED = frozenset(
    {
        "background",
        "conversation",
        "include_usage",
        "max_completion_tokens",
        "max_output_tokens",
        "max_tokens",
        "model",
        "n",
        "previous_response_id",
        "prompt",
        "stream",
        "stream_options",
        "tools",
        "web_search_options",
        *TERMS,
    }
)


def route_of(method: str, path: str, query: str = "") -> Route:
    """Find *path* (below `/openai/v1/`, as it was sent) in the allow-list.

    Nothing is decoded or tidied first, and none of the paths takes a query.
    """
    route = _ROUTES.get((method, path))
    if route is None or query:
        raise PathNotAllowedError(
            "This proxy serves POST chat/completions, POST responses, POST embeddings"
            " and GET models below /openai/v1, without a query."
        )
    return route


def read_request(route: Route, raw: bytes) -> ModelRequest:
    """Read a body; raises `MalformedJsonError` and `MalformedError`."""
    text, body = object_of(raw, governed=_GOVERNED)
    model = body.get("model")
    if not isinstance(model, str):
        raise MalformedError("The body must name its model.")
    if route == EMBEDDINGS:
        return ModelRequest(raw, model, most_output=0)
    most_output = _most_output(route, body)
    asked = ModelRequest(
        raw,
        model,
        is_streamed=flag(body, "stream"),
        features=features_of(body, raw),
        most_output=most_output,
        names_no_limit=most_output is None and _limit_of(route) in body,
        answers=max(1, whole_number(body, "n") or 1),
        terms=terms_of(body),
    )
    if not asked.is_streamed:
        return asked
    if route == RESPONSES or flag(_options(body), "include_usage"):
        return asked
    asking = _asking_for_usage(text, body).encode()
    return asked._replace(body=asking, withholds_usage=True)


def bounded(route: Route, request: ModelRequest, most: int) -> ModelRequest:
    """Write the most output tokens into a request that names none."""
    text, name = request.body.decode(), _limit_of(route)
    if request.names_no_limit:
        body = _replaced(text, value_span(text, name), str(most))
    else:
        body = _inserted(text, 0, f'"{name}":{most},')
    return request._replace(body=body.encode(), most_output=most, names_no_limit=False)


def _limit_of(route: Route) -> str:
    return "max_output_tokens" if route == RESPONSES else "max_completion_tokens"


def _most_output(route: Route, body: Mapping[str, Any]) -> int | None:
    """Read the most output tokens; where two names have them, the larger counts."""
    if route == RESPONSES:
        return whole_number(body, "max_output_tokens")
    newer = whole_number(body, "max_completion_tokens") or 0
    return max(newer, whole_number(body, "max_tokens") or 0) or None


def _options(body: Mapping[str, Any]) -> Mapping[str, Any]:
    options = body.get("stream_options")
    if options is None:
        return {}
    if not isinstance(options, dict):
        raise MalformedError("stream_options must be an object.")
    return without_lookalikes(options, governed=_GOVERNED)


def _asking_for_usage(text: str, body: Mapping[str, Any]) -> str:
    """Ask for the usage chunk: without it a stream says nowhere what it used.

    Everything else keeps its bytes.
    """
    if "stream_options" not in body:
        return _inserted(text, 0, '"stream_options":{"include_usage":true},')
    options, span = body["stream_options"], value_span(text, "stream_options")
    if options is None:
        return _replaced(text, span, '{"include_usage":true}')
    if "include_usage" in options:
        flag = value_span(text, "include_usage", at=span[0])
        return _replaced(text, flag, "true")
    comma = "," if options else ""
    return _inserted(text, span[0], f'"include_usage":true{comma}')


def _inserted(text: str, at: int, member: str) -> str:
    """Set *member* before the first of the object that begins at *at*."""
    start = text.index("{", at) + 1
    return text[:start] + member + text[start:]


def _replaced(text: str, span: tuple[int, int], value: str) -> str:
    start, end = span
    return text[:start] + value + text[end:]
