"""What is made of the API's description is up to date, and whole."""

import json
from typing import Any

import pytest

from ag2trust_client import Client

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
