"""JSON-RPC as MCP has it: what is sent, and which of what comes is the answer. Pure.

Source: the specification of MCP 2025-11-25, sections "Base Protocol" and "Transports".
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from mcp_types import JSONRPCNotification, JSONRPCRequest
from pydantic_core import from_json

from agent_runner.server_sent_events import data_of

from .failures import McpFailedError

__all__ = ["notification", "request", "result_in", "result_in_events"]

_NOT_JSON_RPC = "The MCP server answered what is no JSON-RPC."


def request(number: int, method: str, params: Mapping[str, Any]) -> bytes:
    message = JSONRPCRequest(
        jsonrpc="2.0", id=number, method=method, params=dict(params)
    )
    return _encoded(message.model_dump(mode="json", by_alias=True, exclude_none=True))


def notification(method: str) -> bytes:
    message = JSONRPCNotification(jsonrpc="2.0", method=method)
    return _encoded(message.model_dump(mode="json", by_alias=True, exclude_none=True))


def result_in(body: bytes, number: int) -> dict[str, Any]:
    """Read the result of request *number*, which *body* is the answer to.

    Raises `McpFailedError`, also for an error of the server's.
    """
    found = _result(body, number)
    if found is None:
        raise McpFailedError(_NOT_JSON_RPC)
    return found


def result_in_events(events: Iterable[bytes], number: int) -> dict[str, Any] | None:
    """Read it in a stream's *events*; None if none of them is it.

    What else a server says in its stream (notifications, questions of its own) is
    passed over: it was offered nothing that it might ask for.
    """
    for event in events:
        if data := data_of(event):
            found = _result(data, number)
            if found is not None:
                return found
    return None


def _result(text: bytes, number: int) -> dict[str, Any] | None:
    message = _object(text)
    if message.get("id") != number or "method" in message:
        return None
    if "error" in message:
        raise McpFailedError(_refusal(message["error"]))
    result = message.get("result")
    if not isinstance(result, dict):
        raise McpFailedError(_NOT_JSON_RPC)
    return result


def _object(text: bytes) -> dict[str, Any]:
    """Read an object; deep nesting is refused before it can cost a stack."""
    try:
        message = from_json(text)
    except ValueError:
        raise McpFailedError(_NOT_JSON_RPC) from None
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        raise McpFailedError(_NOT_JSON_RPC)
    return message


def _refusal(error: object) -> str:
    """Tell the number of an error; its text is the server's, and for nobody."""
    code = error.get("code") if isinstance(error, dict) else None
    number = f" {code}" if isinstance(code, int) else ""
    return f"The MCP server refused this with the JSON-RPC error{number}."


def _encoded(message: object) -> bytes:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
