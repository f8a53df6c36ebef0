"""What the API says of itself is true, whole and up to date."""

from typing import Any

import pytest
from aiohttp import ClientSession, web

from gateway.access.permissions import Permission
from gateway.routes.description import DOCUMENT
from shared.contracts.agent_runner import GET_AGENT

from .conftest import Client
from .fakes import Neighbours
from .objects import AGENT, SOME_ID
from .write_openapi import COPY, text_of

Document = dict[str, Any]


@pytest.fixture
def document(app: web.Application) -> Document:
    return app[DOCUMENT]()


def operations(document: Document) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method.upper(), path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_every_route_is_declared(app: web.Application, document: Document) -> None:
    served = {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource and route.method != "HEAD"
    }
    unversioned = {
        (method, path.replace("/api/v1/", "/api/")) for method, path in served
    }

    assert unversioned == set(operations(document))


def test_every_operation_is_there_under_both_prefixes(app: web.Application) -> None:
    served = {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource
    }
    versioned = {each for each in served if each[1].startswith("/api/v1/")}
    below_api = {each for each in served if each[1].startswith("/api/")} - versioned

    assert {(verb, path.replace("/v1", "", 1)) for verb, path in versioned} == below_api


def test_every_operation_says_what_it_is_and_needs(document: Document) -> None:
    for route, operation in operations(document).items():
        assert operation["summary"].endswith("."), route
        is_open = operation.get("security") == []
        assert is_open or operation["x-permission"] in set(Permission), route


def test_operation_ids_are_unique(document: Document) -> None:
    ids = [each["operationId"] for each in operations(document).values()]

    assert len(ids) == len({*ids})


def test_the_copy_is_up_to_date(document: Document) -> None:
    how = "run python -m tests.unit.gateway.write_openapi and review what changed"

    assert COPY.read_text() == text_of(document), how


def test_what_a_patch_may_not_empty_is_not_nullable(document: Document) -> None:
    properties = document["components"]["schemas"]["AgentTypePatch"]["properties"]

    assert properties["name"]["type"] == "string"
    assert {"type": "null"} in properties["temperature"]["anyOf"]


def test_bodies_have_no_unknown_fields_and_answers_all_known_ones(
    document: Document,
) -> None:
    schemas = document["components"]["schemas"]

    assert schemas["AgentSubmission"]["additionalProperties"] is False
    assert set(schemas["Agent"]["required"]) == set(schemas["Agent"]["properties"])


async def test_the_document_is_served_to_whoever_comes(
    stranger: Client, document: Document
) -> None:
    async with stranger.get("/api/openapi.json") as response:
        assert response.status == 200
        assert response.content_type == "application/json"
        assert await response.json() == document


async def test_the_page_for_people_asks_nobody_else_for_anything(
    stranger: Client, document: Document
) -> None:
    async with stranger.get("/docs") as response:
        page = await response.text()
    async with stranger.get("/docs/style.css") as style:
        looks = await style.text()

    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "://" not in page.replace(".example.com", "")
    assert "url(" not in looks
    assert "@import" not in looks
    assert "<script" not in page
    for _, path in operations(document):
        assert path in page


async def test_what_is_not_asked_for_is_refused(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(GET_AGENT, AGENT)

    async with client.get(f"/api/agents/{SOME_ID}?colour=red") as response:
        told = await response.json()

    assert response.status == 422
    assert [each["field"] for each in told["details"]["fields"]] == ["colour"]
