"""Every operation, asked what its description allows, and what it does not.

Schemathesis makes the requests; all neighbours are real. Whatever is asked, no answer
is a 500, and none is other than the description says.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
import schemathesis
from hypothesis import HealthCheck, given, settings, strategies
from schemathesis import Case, GenerationMode
from schemathesis.checks import CheckContext
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ag2trust.operator import Operator
from ag2trust.testing import Servers, fresh_stack

from .four_services import OWNER_KEY, four_services

pytestmark = [
    pytest.mark.integration,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
]

FEW, MANY = 4, 50
NOBODY = "http://127.0.0.1:9"  # discard: no provider of another host is ever asked
COPY = Path(__file__).parents[3] / "docs" / "api" / "openapi.json"
DOCUMENT: dict[str, Any] = json.loads(COPY.read_text())
SCHEMA = schemathesis.openapi.from_dict(
    # Who asks is no part of what is varied here.
    {name: part for name, part in DOCUMENT.items() if name != "security"}
)


def no_failure_of_ours(_: CheckContext, response: Response, __: Case[Any]) -> None:
    assert response.status_code != 500


def wrong_is_refused(
    context: CheckContext, response: Response, case: Case[Any]
) -> None:
    """Leave out what is too long only by white space, which we take away."""
    if text_of(case.body) == text_of(case.body, strip=True):
        negative_data_rejection(context, response, case)


def text_of(value: object, *, strip: bool = False) -> str:
    match value:
        case str():
            return repr(value.strip() if strip else value)
        case dict():
            return text_of([*value.values()], strip=strip)
        case list():
            return "".join(text_of(each, strip=strip) for each in value)
        case _:
            return ""


CHECKS = [
    no_failure_of_ours,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    wrong_is_refused,
]
OPERATIONS = {
    operation["operationId"]: SCHEMA[path][method]
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
    if operation["operationId"] != "stream_events"  # it has no end to look at
}


@dataclass(frozen=True, slots=True)
class Target:
    """A running installation with one of each thing; *ids* are theirs, by noun."""

    url: str
    ids: dict[str, str]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def target(
    servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Target]:
    folder = tmp_path_factory.mktemp("stack")
    async with (
        fresh_stack(servers, folder) as stack,
        four_services(stack, requests_per_minute=1_000_000) as url,
        aiohttp.ClientSession(url, headers={"X-API-Key": OWNER_KEY}) as session,
    ):
        yield Target(url, await things(Operator(session)))


async def things(operator: Operator) -> dict[str, str]:
    """Make one of each thing there is; the agent is stopped, and stays so."""
    provider = await operator.made(
        "/api/providers",
        {
            "name": "p",
            "type": "bedrock",
            "aws_region": "us-east-1",
            "api_key": "k-1234",
        },
    )
    agent_type = await operator.made(
        "/api/agent-types",
        {
            "name": "t",
            "slug": "t",
            "provider_id": provider["id"],
            "model": "amazon.nova-lite-v1:0",
        },
    )
    agent = await operator.made(
        "/api/agents", {"name": "a", "agent_type_id": agent_type["id"]}
    )
    webhook = await operator.made(
        "/api/webhooks",
        {"name": "w", "url": "https://hooks.invalid/", "events": ["alert.opened"]},
    )
    mcp_server = await operator.made(
        "/api/mcp-servers", {"name": "m", "url": "https://mcp.invalid/mcp"}
    )
    job = await operator.made("/api/master-key/rewrap")
    return {
        "providers": provider["id"],
        "agent-types": agent_type["id"],
        "agents": agent["id"],
        "webhooks": webhook["id"],
        "mcp-servers": mcp_server["id"],
        "jobs": job["id"],
    }


def attacks() -> list[tuple[str, GenerationMode]]:
    """List what to try: what takes nothing cannot be given anything wrong."""
    allowed = [(each, GenerationMode.POSITIVE) for each in OPERATIONS]
    wrong = [
        (name, GenerationMode.NEGATIVE)
        for name, operation in OPERATIONS.items()
        if {"parameters", "requestBody"} & takes(operation.definition.raw)
    ]
    return [*allowed, *wrong]


def takes(declared: dict[str, Any]) -> set[str]:
    return {name for name, value in declared.items() if value}


@pytest.mark.parametrize(
    "examples",
    [
        pytest.param(FEW, id="few"),
        pytest.param(MANY, marks=pytest.mark.torture, id="many"),
    ],
)
@pytest.mark.parametrize(("operation_id", "mode"), attacks())
async def test_no_answer_is_other_than_described(
    target: Target, operation_id: str, mode: GenerationMode, examples: int
) -> None:
    operation = OPERATIONS[operation_id]
    known = target.ids.get(operation.definition.raw["tags"][0])
    may_aim = mode is GenerationMode.POSITIVE and known and is_harmless(operation_id)

    @given(
        case=operation.as_strategy(generation_mode=mode), is_aimed=strategies.booleans()
    )
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    def attack(case: Case[Any], *, is_aimed: bool) -> None:
        if is_aimed and may_aim and case.path_parameters:
            case.path_parameters["id"] = known
        if operation_id == "test_submission" and isinstance(case.body, dict):
            case.body["base_url"] = NOBODY
        response = case.call(base_url=target.url, headers={"X-API-Key": OWNER_KEY})
        case.validate_response(response, checks=CHECKS)

    await asyncio.to_thread(attack)
    if operation_id == "freeze":
        await asyncio.to_thread(
            SCHEMA["/api/master-key/unfreeze"]["post"].Case().call,
            base_url=target.url,
            headers={"X-API-Key": OWNER_KEY},
        )


def is_harmless(operation_id: str) -> bool:
    """Tell whether the one thing there is survives what it is told."""
    return not operation_id.startswith(("delete", "restart", "start"))
