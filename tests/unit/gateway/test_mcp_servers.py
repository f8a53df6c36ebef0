"""`/api/mcp-servers`: tokens that are sealed at once, and approvals by fingerprint."""

from typing import Any

from aiohttp import ClientSession
from pydantic import JsonValue

from shared.contracts.base import Empty, Page
from shared.contracts.mcp_servers import (
    CREATE_MCP_SERVER,
    GET_MCP_SERVER,
    LIST_MCP_SERVERS,
    UPDATE_MCP_SERVER,
    McpServer,
    McpServerPatch,
    McpServerSubmission,
    mcp_submission_binding,
)
from shared.contracts.mcp_tools import (
    APPROVE_MCP_TOOLS,
    DELETE_MCP_SERVER,
    LIST_MCP_TOOLS,
    WITHDRAW_MCP_TOOLS,
    McpTool,
    McpTools,
    McpToolStatus,
)
from shared.errors import McpServerInUseError, McpToolChangedError
from shared.identity import Identity

from .fakes import Neighbours
from .objects import NOON, SOME_ID

TOKEN = "mcp-token-0123456789-wxyz"
SUBMISSION: dict[str, Any] = {
    "name": "tickets",
    "url": "https://mcp.example.com/mcp",
    "token": TOKEN,
}
ONE = f"/api/mcp-servers/{SOME_ID}"
FINGERPRINT = "ab" * 32
SERVER = McpServer(
    id=SOME_ID,
    name="tickets",
    url="https://mcp.example.com/mcp",
    has_token=True,
    token_hint="…wxyz",
    version=3,
    created_at=NOON,
    updated_at=NOON,
)
TOOLS = McpTools(
    data=[
        McpTool(
            name="look",
            told_as="tickets__look",
            status=McpToolStatus.NEW,
            fingerprint=FINGERPRINT,
        )
    ]
)


async def test_a_token_is_sealed_to_credentials_alone(
    client: ClientSession, neighbours: Neighbours, credentials: Identity
) -> None:
    neighbours.answer(CREATE_MCP_SERVER, SERVER)

    async with client.post("/api/mcp-servers", json=SUBMISSION) as response:
        made = await response.text()

    asked = neighbours.question(CREATE_MCP_SERVER)
    binding = mcp_submission_binding(asked.org_id, asked.server_id)
    words = credentials.sealing_key.open(asked.sealed, info=binding)
    submission = McpServerSubmission.model_validate_json(words)
    assert response.status == 201
    assert submission.token is not None
    assert submission.token.get_secret_value() == TOKEN
    assert TOKEN not in asked.model_dump_json()
    assert TOKEN not in made


async def test_a_name_that_no_tool_could_begin_with_is_refused(
    client: ClientSession,
) -> None:
    for name in ("Tickets", "a_b", "-a", "", "a" * 25):
        body = SUBMISSION | {"name": name}
        async with client.post("/api/mcp-servers", json=body) as response:
            refused = await response.json()
        assert response.status == 422
        assert refused["details"]["fields"][0]["field"] == "name"


async def test_servers_are_listed_shown_changed_and_deleted(
    client: ClientSession, neighbours: Neighbours, credentials: Identity
) -> None:
    neighbours.answer(LIST_MCP_SERVERS, Page(data=[SERVER]))
    neighbours.answer(GET_MCP_SERVER, SERVER)
    neighbours.answer(UPDATE_MCP_SERVER, SERVER)
    neighbours.answer(DELETE_MCP_SERVER, Empty())

    async with client.get("/api/mcp-servers") as listed:
        page = await listed.json()
    async with client.get(ONE) as shown:
        tag = shown.headers["ETag"]
    headers = {"If-Match": tag}
    async with client.patch(ONE, json={"token": None}, headers=headers) as changed:
        pass
    async with client.delete(ONE) as deleted:
        pass

    asked = neighbours.question(UPDATE_MCP_SERVER)
    binding = mcp_submission_binding(asked.org_id, asked.server_id)
    words = credentials.sealing_key.open(asked.sealed, info=binding)
    patch = McpServerPatch.model_validate_json(words)
    assert page["data"][0]["token_hint"] == "…wxyz"
    assert (shown.status, changed.status, deleted.status) == (200, 200, 204)
    assert asked.if_version == 3
    assert patch.model_fields_set == {"token"}


async def test_a_server_in_use_names_the_agents(
    client: ClientSession, neighbours: Neighbours
) -> None:
    agents: list[JsonValue] = [{"id": str(SOME_ID), "name": "ada"}]
    in_use = McpServerInUseError("Agents use it.", details={"agents": agents})
    neighbours.answer(DELETE_MCP_SERVER, in_use)

    async with client.delete(ONE) as refused:
        told = await refused.json()

    assert (refused.status, told["error_code"]) == (409, "MCP_SERVER_IN_USE")
    assert told["details"]["agents"] == agents


async def test_tools_are_shown_approved_and_withdrawn(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(LIST_MCP_TOOLS, TOOLS)
    neighbours.answer(APPROVE_MCP_TOOLS, TOOLS)
    neighbours.answer(WITHDRAW_MCP_TOOLS, Empty())
    approval = {"tools": [{"name": "look", "fingerprint": FINGERPRINT}]}

    async with client.get(f"{ONE}/tools") as shown:
        page = await shown.json()
    async with client.post(f"{ONE}/tools/approve", json=approval) as approved:
        pass
    async with client.post(
        f"{ONE}/tools/withdraw", json={"tools": ["look"]}
    ) as withdrawn:
        pass

    asked = neighbours.question(APPROVE_MCP_TOOLS)
    assert page["data"][0]["told_as"] == "tickets__look"
    assert (shown.status, approved.status, withdrawn.status) == (200, 200, 204)
    assert asked.tools[0].fingerprint == FINGERPRINT
    assert neighbours.question(WITHDRAW_MCP_TOOLS).names == ["look"]


async def test_what_has_changed_meanwhile_is_not_approved(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(APPROVE_MCP_TOOLS, McpToolChangedError("It is otherwise."))
    approval = {"tools": [{"name": "look", "fingerprint": FINGERPRINT}]}

    async with client.post(f"{ONE}/tools/approve", json=approval) as refused:
        told = await refused.json()

    assert (refused.status, told["error_code"]) == (409, "MCP_TOOL_CHANGED")
