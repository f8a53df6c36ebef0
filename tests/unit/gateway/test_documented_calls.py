"""Every call of the API that the documents show is one that the gateway takes."""

import re
from importlib import import_module

import pytest
from pydantic import ValidationError

from gateway.routing import operations
from gateway.routing.operations import Operation

from .documented import Call, calls_in, pages

import_module("gateway.app")  # with it every route is declared
OPERATIONS = [*operations._DECLARED.values()]
DOCUMENTED = dict(asked for page in pages() for asked in calls_in(page.read_text()))


def operation_of(call: Call) -> Operation:
    for each in OPERATIONS:
        path = "/api" + re.sub(r"\{\w+\}", "[^/]+", each.path)
        if each.method == call.method and re.fullmatch(path, call.path):
            return each
    raise LookupError(f"nothing answers {call.method} {call.path}")


def accept(call: Call) -> None:
    """Read *call* as its operation would; raise `ValidationError`, `LookupError`."""
    asked = operation_of(call)
    asked.query.model_validate(call.query)
    if call.body is not None or asked.needs_body:
        assert asked.body is not None, "it takes no body"
        asked.body.model_validate(call.body)


@pytest.mark.parametrize("text", DOCUMENTED)
def test_a_documented_call_is_accepted(text: str) -> None:
    accept(DOCUMENTED[text])


@pytest.mark.parametrize(
    ("call", "refusal"),
    [
        (Call("GET", "/api/no-such-thing", {}), LookupError),
        (Call("GET", "/api/providers", {"no_such_parameter": "1"}), ValidationError),
        (Call("POST", "/api/agents", {}, {"no_such_field": 1}), ValidationError),
        (Call("POST", "/api/agents", {}), ValidationError),
    ],
)
def test_what_the_gateway_would_refuse_is_found(
    call: Call, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        accept(call)
