"""What is made of the API's description is up to date, and whole."""

import inspect
import json
from types import UnionType
from typing import Any, get_args, get_type_hints

import pytest
from pydantic import TypeAdapter

from ag2trust_client import Client

from .objects import sample
from .write_client import PACKAGE, REPOSITORY, SOURCES, text_of

BY_HAND = {"stream_events"}
FOR_BROWSERS = {"sessions", "invitations", "oidc", "docs"}


def operations() -> list[dict[str, Any]]:
    document = json.loads((REPOSITORY / "docs/api/openapi.json").read_text())
    return [each for path in document["paths"].values() for each in path.values()]


@pytest.mark.parametrize("name", SOURCES)
def test_what_is_made_is_up_to_date(name: str) -> None:
    assert (PACKAGE / name).read_text() == text_of(name), "run make generate"


def test_every_operation_for_programs_is_a_method() -> None:
    wanted = {
        each["operationId"]
        for each in operations()
        if each["tags"][0] not in FOR_BROWSERS
    }

    assert {each for each in wanted - BY_HAND if not hasattr(Client, each)} == set()


def answers_of_several_kinds() -> dict[str, tuple[Any, type]]:
    """Give each answer that has others beside it: what may come, and what this is."""
    returned = {
        name: get_type_hints(method)["return"]
        for name, method in inspect.getmembers(Client, inspect.iscoroutinefunction)
        if not name.startswith("_")
    }
    return {
        f"{name}-{kind.__name__}": (union, kind)
        for name, union in returned.items()
        if isinstance(union, UnionType)
        for kind in get_args(union)
    }


SEVERAL = answers_of_several_kinds()


@pytest.mark.parametrize("name", SEVERAL)
def test_of_several_kinds_of_answers_each_is_read_as_its_own(name: str) -> None:
    union, kind = SEVERAL[name]

    read = TypeAdapter(union).validate_python(sample(kind.__name__))

    assert type(read) is kind
