"""MCP servers: where the tools of agents may come from, and the token each is told.

The credentials service owns them. Which of their tools are approved, the runners know
(`shared.contracts.mcp_tools`).
"""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from pydantic import (
    AwareDatetime,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from .base import (
    Actor,
    Bytes,
    Empty,
    Endpoint,
    Message,
    Page,
    PageQuestion,
    Patch,
    Question,
    Secret,
    Service,
    Signal,
    Signed,
)
from .leasing import SealedLease

__all__ = [
    "CREATE_MCP_SERVER",
    "GET_MCP_SERVER",
    "LEASE_MCP_SERVER",
    "LIST_MCP_SERVERS",
    "MCP_LEASE_PURPOSE",
    "MCP_SERVER_CHANGED",
    "REMOVE_MCP_SERVER",
    "UPDATE_MCP_SERVER",
    "CreateMcpServer",
    "LeasedMcpServer",
    "McpLeaseRequest",
    "McpServer",
    "McpServerChanged",
    "McpServerName",
    "McpServerPatch",
    "McpServerQuestion",
    "McpServerSubmission",
    "UpdateMcpServer",
    "mcp_submission_binding",
]

McpServerName = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, pattern=r"^[a-z0-9]([a-z0-9-]{0,22}[a-z0-9])?$"
    ),
]
"""What the names of its tools begin with, and so without an underscore."""

McpUrl = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=8, max_length=2000)
]
McpToken = Annotated[Secret, Field(description="Trimmed; printable ASCII.")]


class McpServer(Message):
    """A server that speaks MCP over streamable HTTP; its token is never told again.

    *token_hint* is the last four characters of a long one.
    """

    id: UUID
    name: str
    url: str
    has_token: bool
    token_hint: str | None = None
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime


class McpServerSubmission(Message):
    """A new server as its operator gives it; crosses the bus only sealed.

    *token* is sent as `Authorization: Bearer`. Another URL or name is another server:
    no token goes to an address that it was not given for, and no tool changes its name.
    """

    name: McpServerName
    url: McpUrl
    token: McpToken | None = None


class McpServerPatch(Patch):
    """A new token, or none any more; crosses the bus only sealed."""

    clearable = frozenset({"token"})

    token: McpToken | None = None


def mcp_submission_binding(org_id: UUID, server_id: UUID) -> bytes:
    """Make the HPKE `info` of a submission: it opens for this server only."""
    return f"ag2trust.v1.mcp_submission/{org_id}/{server_id}".encode()


class CreateMcpServer(Question):
    """*sealed* is an `McpServerSubmission` under `mcp_submission_binding`."""

    server_id: UUID
    sealed: Bytes


class UpdateMcpServer(Question):
    """*sealed* is an `McpServerPatch` under `mcp_submission_binding`.

    *if_version* refuses the change (412) when the row has moved on.
    """

    server_id: UUID
    sealed: Bytes
    if_version: int | None = None


class McpServerQuestion(Question):
    server_id: UUID


class McpLeaseRequest(Message):
    """What a runner signs when it is about to ask a server.

    It is for the tools of *agent_id*, which must use the server, or for the one look
    at its tools that *actor* asked for. *public_key* is a fresh X25519 key the reply is
    sealed to; *nonce* is never used twice; *issued_at* may differ from our clock by
    30 s at most.
    """

    runner: str
    epoch: int
    org_id: UUID
    server_id: UUID
    agent_id: UUID | None = None
    actor: Actor | None = Field(default=None, validate_default=True)
    public_key: Bytes = Field(min_length=32, max_length=32)
    nonce: Bytes = Field(min_length=16, max_length=32)
    issued_at: AwareDatetime

    @field_validator("actor")
    @classmethod
    def _unless_an_agent_needs_it(
        cls, actor: Actor | None, field: ValidationInfo
    ) -> Actor | None:
        if (actor is None) is (field.data.get("agent_id") is None):
            raise PydanticCustomError("purpose", "Names an agent or an actor")
        return actor


class LeasedMcpServer(Message):
    """The plaintext of a lease; exists only sealed and in the runner's memory."""

    server_id: UUID
    name: str
    url: str
    token: Secret | None = None
    version: int


class McpServerChanged(Message):
    org_id: UUID
    server_id: UUID


MCP_LEASE_PURPOSE = "credentials.v1.lease_mcp_server"
"""What a runner signs an `McpLeaseRequest` for (`shared.signing`)."""

_GATEWAY = frozenset({Service.GATEWAY})
_RUNNER = frozenset({Service.AGENT_RUNNER})

CREATE_MCP_SERVER = Endpoint(
    "credentials.v1.create_mcp_server", CreateMcpServer, McpServer, askers=_GATEWAY
)
UPDATE_MCP_SERVER = Endpoint(
    "credentials.v1.update_mcp_server", UpdateMcpServer, McpServer, askers=_GATEWAY
)
REMOVE_MCP_SERVER = Endpoint(
    "credentials.v1.remove_mcp_server", McpServerQuestion, Empty, askers=_RUNNER
)
LIST_MCP_SERVERS = Endpoint(
    "credentials.v1.list_mcp_servers", PageQuestion, Page[McpServer], askers=_GATEWAY
)
GET_MCP_SERVER = Endpoint(
    "credentials.v1.get_mcp_server",
    McpServerQuestion,
    McpServer,
    askers=_GATEWAY | _RUNNER,
)
LEASE_MCP_SERVER = Endpoint(
    MCP_LEASE_PURPOSE,
    Signed,
    SealedLease,
    askers=_RUNNER,
    deadline=timedelta(seconds=10),
)
MCP_SERVER_CHANGED = Signal(
    "credentials.v1.signals.mcp_server_changed",
    McpServerChanged,
    sender=Service.CREDENTIALS,
    hearers=_RUNNER,
)
