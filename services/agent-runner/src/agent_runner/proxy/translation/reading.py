"""Reading a chat completion's request; what has no translation is refused.

Source: `openai` 3.54, `types/chat/completion_create_params.py`. A field that is not
named here is refused: whatever it asks for, it would not be done.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .conversation import Chat, Choice, Schema, Tool, refused
from .messages import system_and_turns

__all__ = ["chat_in"]

# Said elsewhere, or without effect on the answer.
_DROPPED = frozenset(
    {
        "metadata",
        "model",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "stream",
        "stream_options",
        "user",
    }
)
# What asks for nothing as long as it has one of these values.
_NEUTRAL: Mapping[str, tuple[object, ...]] = {
    "frequency_penalty": (0,),
    "logit_bias": ({},),
    "logprobs": (False,),
    "modalities": (["text"],),
    "n": (1,),
    "presence_penalty": (0,),
    "service_tier": ("auto", "default"),
    "store": (False,),
    "verbosity": ("medium",),
}
_READ = frozenset(
    {
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "parallel_tool_calls",
        "reasoning_effort",
        "response_format",
        "stop",
        "temperature",
        "tool_choice",
        "tools",
        "top_p",
    }
)
_EFFORTS = {"minimal": "low"} | {
    each: each for each in ("low", "medium", "high", "xhigh", "max")
}
_NO_PARAMETERS: Mapping[str, Any] = {"type": "object", "properties": {}}
_MOST_STOPS = 4


def chat_in(body: Mapping[str, Any]) -> Chat:
    """Read *body*; raises `TranslationRefusedError`."""
    _require_translatable(body)
    system, turns = system_and_turns(_objects(body.get("messages"), "messages"))
    tools = [*_tools(body.get("tools"))]
    choice, name, allowed = _choice(body.get("tool_choice"))
    if allowed is not None:
        tools = [each for each in tools if each.name in allowed]
    most = body.get("max_completion_tokens")
    return Chat(
        turns=turns,
        system=system,
        tools=tuple(tools),
        choice=choice,
        tool=name,
        is_parallel=body.get("parallel_tool_calls") is not False,
        schema=_schema(body.get("response_format")),
        max_tokens=_limit(body.get("max_tokens") if most is None else most),
        temperature=_share(body, "temperature"),
        top_p=_share(body, "top_p"),
        stop=_stop(body.get("stop")),
        effort=_effort(body.get("reasoning_effort")),
    )


def _require_translatable(body: Mapping[str, Any]) -> None:
    for name, value in body.items():
        if value is None or name in _DROPPED or name in _READ:
            continue
        if not any(_is_same(value, each) for each in _NEUTRAL.get(name, ())):
            raise refused(name, "has no translation")


def _is_same(value: object, other: object) -> bool:
    """Compare as JSON does: `true` is no 1."""
    return value == other and isinstance(value, bool) is isinstance(other, bool)


def _objects(value: object, param: str) -> Sequence[Mapping[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise refused(param, "must be a list of objects")
    return value


def _tools(value: object) -> Iterator[Tool]:
    for index, each in enumerate(_objects(value or [], "tools")):
        where, function = f"tools.{index}", each.get("function")
        if each.get("type") != "function" or not isinstance(function, dict):
            raise refused(where, "is no function")
        name, parameters = function.get("name"), function.get("parameters")
        if not isinstance(name, str):
            raise refused(where, "has no name")
        if parameters is None:
            parameters = _NO_PARAMETERS
        if not isinstance(parameters, dict):
            raise refused(where, "has parameters that are no object")
        yield Tool(
            name,
            description=str(function.get("description") or ""),
            parameters=parameters,
            is_strict=function.get("strict") is True,
        )


def _choice(value: object) -> tuple[Choice | None, str, frozenset[str] | None]:
    """Read `tool_choice`: the choice, the tool it names, and which are allowed."""
    match value:
        case None:
            return None, "", None
        case "auto":
            return Choice.AUTO, "", None
        case "none":
            return Choice.NONE, "", None
        case "required":
            return Choice.REQUIRED, "", None
        case {"type": "function", "function": {"name": str() as name}}:
            return Choice.NAMED, name, None
        case {
            "type": "allowed_tools",
            "allowed_tools": {
                "mode": "auto" | "required" as mode,
                "tools": list() as tools,
            },
        }:
            choice, _, _ = _choice(mode)
            return choice, "", frozenset(_names(tools))
        case _:
            raise refused("tool_choice", "has no translation")


def _names(tools: Sequence[object]) -> Iterator[str]:
    for each in tools:
        match each:
            case {"type": "function", "function": {"name": str() as name}}:
                yield name
            case _:
                raise refused("tool_choice", "allows what is no function")


def _schema(value: object) -> Schema | None:
    match value:
        case None | {"type": "text"}:
            return None
        case {
            "type": "json_schema",
            "json_schema": {"schema": dict() as schema, **more},
        }:
            return Schema(
                str(more.get("name") or "answer"),
                str(more.get("description") or ""),
                schema,
            )
        case _:
            raise refused("response_format", "has no translation but for json_schema")


def _limit(value: object) -> int | None:
    if value is None or (type(value) is int and value > 0):
        return value
    raise refused("max_completion_tokens", "must be a whole number above 0")


def _share(body: Mapping[str, Any], name: str) -> float | None:
    """Read what lies between 0 and 1; 1 is what everybody takes if nothing is said."""
    value = body.get(name)
    if value is None or _is_same(value, 1):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refused(name, "must be a number")
    if not 0 <= value <= 1:
        raise refused(name, "has no translation above 1")
    return float(value)


def _stop(value: object) -> tuple[str, ...]:
    given = [value] if isinstance(value, str) else value or []
    if not isinstance(given, list) or len(given) > _MOST_STOPS:
        raise refused("stop", "must be a text or up to 4")
    if not all(isinstance(each, str) and each.strip() for each in given):
        raise refused("stop", "has no translation where it is blank")
    return tuple(given)


def _effort(value: object) -> str | None:
    if value is None or value == "none":
        return None
    if value not in _EFFORTS:
        raise refused("reasoning_effort", "has no translation")
    return _EFFORTS[str(value)]
