"""Reading what an Anthropic client sends: what a rule needs, bytes kept as they are.

Source of the wire facts: Anthropic's API reference, and the `anthropic` package 2.12.
"""

from collections.abc import Mapping
from http import HTTPMethod

from agent_runner.proxy.request_body import (
    TERMS,
    flag,
    object_of,
    terms_of,
    whole_number,
)
from agent_runner.proxy.wire_format import ModelRequest, Route
from shared.errors import MalformedError, PathNotAllowedError

from .features import features_of

__all__ = ["COUNT_TOKENS", "MESSAGES", "read_request", "route_of"]

MESSAGES = "messages"
COUNT_TOKENS = "messages.count_tokens"
_ENDPOINTS: Mapping[tuple[str, str], str] = {
    (HTTPMethod.POST, "messages"): MESSAGES,
    (HTTPMethod.POST, "messages/count_tokens"): COUNT_TOKENS,
    (HTTPMethod.GET, "models"): "models",
}
_QUERIES = ("", "beta=true")  # what `client.beta` of SDKs before 2.0 adds

_GOVERNED = frozenset(
    {"fallbacks", "max_tokens", "mcp_servers", "model", "stream", "tools", *TERMS}
)


def route_of(method: str, path: str, query: str) -> Route:
    endpoint = _ENDPOINTS.get((method, path))
    if endpoint is None or query not in _QUERIES:
        raise PathNotAllowedError(
            "This proxy serves POST messages, POST messages/count_tokens and GET models"
            " below /anthropic/v1, without a query but beta=true; the base URL ends in"
            " /anthropic."
        )
    return Route(
        endpoint,
        f"/v1/{path}?{query}" if query else f"/v1/{path}",
        is_model_call=method == HTTPMethod.POST,
    )


def read_request(route: Route, raw: bytes) -> ModelRequest:
    """Read a body; raises `MalformedJsonError` and `MalformedError`."""
    _, body = object_of(raw, governed=_GOVERNED)
    model = body.get("model")
    if not isinstance(model, str):
        raise MalformedError("The body must name its model.")
    if body.get("fallbacks"):
        raise MalformedError(
            "fallbacks may lead to another model than the one that was asked for;"
            " leave it out, and give the agent type fallbacks."
        )
    is_message = route.endpoint == MESSAGES
    return ModelRequest(
        raw,
        model,
        is_streamed=is_message and flag(body, "stream"),
        features=features_of(body, raw),
        most_output=whole_number(body, "max_tokens") if is_message else 0,
        terms=terms_of(body),
    )
