"""Which tools an agent type may have."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from agent_runner.agents.type_tools import require_fitting_tools
from shared.contracts.agent_types import (
    AgentRuntime,
    AgentTypeSubmission,
    CredentialDelivery,
)
from shared.contracts.mcp_servers import McpServer
from shared.contracts.tools import CurrentTimeTool, HttpRequestTool
from shared.errors import InvalidError

SEALED = CredentialDelivery.SEALED
PROVIDER = "https://models.corp.example/v1"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PUBLIC, PRIVATE = UUID(int=2), UUID(int=3)


def mcp_server(server_id: UUID, url: str) -> McpServer:
    return McpServer(
        id=server_id,
        name="s",
        url=url,
        has_token=False,
        version=1,
        created_at=NOON,
        updated_at=NOON,
    )


SERVERS = {
    PUBLIC: mcp_server(PUBLIC, "https://mcp.example.com/mcp"),
    PRIVATE: mcp_server(PRIVATE, "http://10.0.0.1:8080/mcp"),
}


def submission(*tools: object, **fields: Any) -> AgentTypeSubmission:
    named = {"name": "a", "slug": "a", "provider_id": UUID(int=1), "model": "m"}
    return AgentTypeSubmission.model_validate(named | {"tools": [*tools]} | fields)


def fields_refused(
    submitted: AgentTypeSubmission, *, allow_private: bool = False
) -> list[Any]:
    try:
        require_fitting_tools(
            submitted, [PROVIDER], SERVERS, allow_private=allow_private
        )
    except InvalidError as error:
        fields: Any = error.details["fields"]
        return [each["field"] for each in fields]
    return []


def test_a_name_stands_for_a_tool_as_usual() -> None:
    read = submission("current_time", {"name": "http_request", "hosts": ["A.example"]})

    assert read.tools == [
        CurrentTimeTool(name="current_time"),
        HttpRequestTool(name="http_request", hosts=["a.example"]),
    ]


@pytest.mark.parametrize(
    "tool",
    [
        "shell",
        {"name": "shell"},
        {},
        7,
        {"name": "http_request", "methods": []},
        {"name": "http_request", "methods": ["CONNECT"]},
        {"name": "http_request", "hosts": []},
        {"name": "http_request", "hosts": ["https://example.com/path"]},
        {"name": "http_request", "hosts": ["*"]},
        {"name": "http_request", "hosts": ["a.*.example.com"]},
        {"name": "http_request", "timeout_seconds": 61},
    ],
)
def test_what_is_no_tool_is_refused(tool: object) -> None:
    with pytest.raises(ValidationError):
        submission(tool)


def test_agents_with_a_key_in_their_environment_ask_named_hosts_alone() -> None:
    assert fields_refused(submission("http_request")) == ["tools.0.hosts"]
    assert fields_refused(submission("http_request", credential_delivery=SEALED)) == []


def test_tools_that_reach_private_networks_ask_named_hosts_alone() -> None:
    any_host = submission("current_time", "http_request", credential_delivery=SEALED)
    named = submission({"name": "http_request", "hosts": ["10.0.0.1:8080"]})

    assert fields_refused(any_host, allow_private=True) == ["tools.1.hosts"]
    assert fields_refused(named, allow_private=True) == []
    assert fields_refused(named) == ["tools.0.hosts.0"]


def test_a_providers_host_cannot_be_named() -> None:
    hosts = ["example.com", "models.corp.example", "api.anthropic.com"]

    refused = fields_refused(submission({"name": "http_request", "hosts": hosts}))

    assert refused == ["tools.0.hosts.1", "tools.0.hosts.2"]


def test_a_tool_is_there_once() -> None:
    refused = fields_refused(submission("current_time", "current_time"))

    assert refused == ["tools.1"]


def test_external_agents_have_no_tools() -> None:
    external = submission(
        "current_time", runtime=AgentRuntime.EXTERNAL, credential_delivery=SEALED
    )

    assert fields_refused(external) == ["tools"]


def test_tools_are_of_servers_that_there_are_each_named_once() -> None:
    mcp = [{"name": "mcp", "server_id": each} for each in (PUBLIC, UUID(int=9), PUBLIC)]

    assert fields_refused(submission(*mcp)) == ["tools.2", "tools.1.server_id"]


def test_a_server_in_a_private_network_needs_the_setting() -> None:
    private = submission({"name": "mcp", "server_id": PRIVATE, "tools": ["look"]})

    assert fields_refused(private) == ["tools.0.server_id"]
    assert fields_refused(private, allow_private=True) == []
