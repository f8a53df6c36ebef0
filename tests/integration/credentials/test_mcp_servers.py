"""MCP servers: their tokens sealed at rest, and leased for agents that use them."""

import json
import os
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from ag2trust.testing import BusAs, Stack
from ag2trust.waiting import until
from credentials.app import serving
from shared.contracts.base import Actor, Service
from shared.contracts.master_key import RewrapStatus
from shared.contracts.mcp_servers import (
    MCP_SERVER_CHANGED,
    McpServer,
    McpServerChanged,
)
from shared.errors import (
    ConflictError,
    CredentialsFrozenError,
    CredentialTamperedError,
    InvalidError,
    LeaseRefusedError,
    MalformedError,
    McpServerGoneError,
    McpServerInUseError,
    McpServerNotFoundError,
    McpUrlForbiddenError,
    NameTakenError,
    PreconditionFailedError,
    UnavailableError,
)
from shared.identity import Identity
from shared.ids import new_id

from .conftest import Superuser
from .mcp_speaking import TOKEN, URL, McpOperator, McpRunner
from .rotation import Rotation, key_id_of
from .speaking import Operator, Runner

pytestmark = pytest.mark.integration

AGENT = UUID(int=7)
SOMEONE = Actor(kind="user", id="user-1")


@pytest.fixture
def mcp(operator: Operator) -> McpOperator:
    return McpOperator(operator)


@pytest.fixture
def mcp_runner(stack: Stack, runner: Runner) -> McpRunner:
    return McpRunner(runner, stack.identity(Service.CREDENTIALS).public)


@pytest_asyncio.fixture
async def used(mcp: McpOperator, mcp_runner: McpRunner, service: None) -> McpServer:  # noqa: ARG001 - answers
    """Make a server that the agent uses."""
    server = await mcp.create()
    provider = await mcp.operator.create()
    await mcp_runner.claim(AGENT, provider.id, server.id)
    return server


def _now() -> str:
    return datetime.now(UTC).isoformat()


async def _reasons(superuser: Superuser) -> list[str]:
    rows = await superuser.fetch(
        "SELECT details FROM audit WHERE act = 'lease.refused' ORDER BY position"
    )
    return [json.loads(row["details"])["reason"] for row in rows]


async def test_a_runner_gets_the_token_for_an_agent_that_uses_the_server(
    mcp_runner: McpRunner, used: McpServer
) -> None:
    leased = await mcp_runner.lease(used.id, agent_id=AGENT, issued_at=_now())

    assert leased.token is not None
    assert leased.token.get_secret_value() == TOKEN
    assert (leased.url, leased.name) == (URL, "tickets")


async def test_no_agent_gets_the_token_of_a_server_that_it_does_not_use(
    mcp: McpOperator, mcp_runner: McpRunner, used: McpServer, superuser: Superuser
) -> None:
    other = await mcp.create("other")

    for server_id, agent_id in ((other.id, AGENT), (used.id, UUID(int=8))):
        with pytest.raises(LeaseRefusedError):
            await mcp_runner.lease(server_id, agent_id=agent_id, issued_at=_now())

    reasons = await _reasons(superuser)
    assert len(reasons) == 2
    assert all("does not use it" in reason for reason in reasons)


async def test_a_released_use_is_no_right_any_more(
    runner: Runner, mcp_runner: McpRunner, used: McpServer
) -> None:
    await runner.release(AGENT, generation=2)

    with pytest.raises(LeaseRefusedError):
        await mcp_runner.lease(used.id, agent_id=AGENT, issued_at=_now())


async def test_a_look_that_somebody_asked_for_stands_under_their_name(
    mcp_runner: McpRunner, used: McpServer, superuser: Superuser
) -> None:
    await mcp_runner.lease(used.id, actor=SOMEONE, issued_at=_now())

    row = await superuser.fetchrow("SELECT * FROM audit WHERE act = 'lease.granted'")
    assert row is not None
    assert (row["actor_kind"], row["actor_id"]) == ("user", "user-1")
    assert (row["object_kind"], row["object_id"]) == ("mcp_server", used.id)


@pytest.mark.parametrize("signer", [Service.METRICS, Service.GATEWAY])
async def test_no_other_service_gets_a_token(
    stack: Stack, mcp_runner: McpRunner, used: McpServer, signer: Service
) -> None:
    with pytest.raises(LeaseRefusedError):
        await mcp_runner.lease(
            used.id, agent_id=AGENT, issued_at=_now(), by=stack.identity(signer)
        )


async def test_a_stranger_gets_no_token(mcp_runner: McpRunner, used: McpServer) -> None:
    with pytest.raises(LeaseRefusedError):
        await mcp_runner.lease(
            used.id, agent_id=AGENT, issued_at=_now(), by=Identity.generate()
        )


async def test_a_late_request_and_a_repeated_one_are_refused(
    mcp_runner: McpRunner, used: McpServer, superuser: Superuser
) -> None:
    late = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    once: dict[str, Any] = {
        "agent_id": AGENT,
        "issued_at": _now(),
        "nonce": os.urandom(16),
    }
    await mcp_runner.lease(used.id, **once)

    with pytest.raises(LeaseRefusedError):
        await mcp_runner.lease(used.id, **once)
    with pytest.raises(UnavailableError, match="clocks"):
        await mcp_runner.lease(used.id, agent_id=AGENT, issued_at=late)

    replayed, old = await _reasons(superuser)
    assert "nonce" in replayed
    assert "just now" in old


async def test_a_token_is_readable_neither_at_rest_nor_in_answers(
    mcp: McpOperator, mcp_runner: McpRunner, used: McpServer, superuser: Superuser
) -> None:
    await mcp_runner.lease(used.id, agent_id=AGENT, issued_at=_now())

    rows = await superuser.fetch("SELECT * FROM mcp_server, mcp_lease, audit")

    written = str([dict(row) for row in rows])
    told = (await mcp.get(used.id)).model_dump_json()
    assert "tickets" in written
    assert TOKEN not in written
    assert TOKEN.encode().hex() not in written
    assert TOKEN not in told
    assert used.token_hint == "…wxyz"


async def test_a_server_may_have_no_token(
    mcp: McpOperator, mcp_runner: McpRunner, used: McpServer
) -> None:
    await mcp.update(used.id, token=None)

    leased = await mcp_runner.lease(used.id, agent_id=AGENT, issued_at=_now())

    assert leased.token is None
    assert not (await mcp.get(used.id)).has_token


async def test_a_new_token_is_leased_from_then_on_and_runners_are_told(
    bus_as: BusAs, mcp: McpOperator, mcp_runner: McpRunner, used: McpServer
) -> None:
    heard: list[McpServerChanged] = []

    async with (
        bus_as(Service.AGENT_RUNNER) as bus,
        bus.hearing(MCP_SERVER_CHANGED, heard.append),
    ):
        changed = await mcp.update(used.id, token="another-token-of-length")
        await until(
            "word of the change",
            lambda: mcp.update(used.id, token="another-token-of-length"),
            lambda _: heard,
        )

    leased = await mcp_runner.lease(used.id, agent_id=AGENT, issued_at=_now())
    assert leased.token is not None
    assert leased.token.get_secret_value() == "another-token-of-length"
    assert changed.version == used.version + 1
    assert heard[0].server_id == used.id


async def test_a_change_of_a_version_that_was_overtaken_is_refused(
    mcp: McpOperator, used: McpServer
) -> None:
    await mcp.update(used.id, token="another-token-of-length")

    with pytest.raises(PreconditionFailedError):
        await mcp.update(used.id, token=None, if_version=used.version)


async def test_a_server_in_use_is_not_removed_and_says_by_whom(
    runner: Runner, mcp: McpOperator, mcp_runner: McpRunner, used: McpServer
) -> None:
    with pytest.raises(McpServerInUseError) as refused:
        await mcp_runner.remove(used.id)

    await runner.release(AGENT, generation=2)
    await mcp_runner.remove(used.id)
    assert refused.value.details["agents"] == [{"id": str(AGENT), "name": "Ada"}]
    with pytest.raises(McpServerNotFoundError):
        await mcp.get(used.id)


async def test_an_agent_cannot_claim_a_server_that_is_gone(
    mcp: McpOperator, mcp_runner: McpRunner, used: McpServer
) -> None:
    provider = await mcp.operator.create("Second")

    with pytest.raises(McpServerGoneError):
        await mcp_runner.claim(AGENT, provider.id, used.id, new_id(), generation=2)

    leased = await mcp_runner.lease(used.id, agent_id=AGENT, issued_at=_now())
    assert leased.server_id == used.id


@pytest.mark.usefixtures("service")
async def test_a_repeated_creation_gives_the_same_server_again(
    mcp: McpOperator,
) -> None:
    server_id = new_id()
    first = await mcp.create(server_id=server_id)

    again = await mcp.create(server_id=server_id)

    assert again == first
    with pytest.raises(ConflictError):
        await mcp.create("another", server_id=server_id)
    with pytest.raises(NameTakenError):
        await mcp.create()
    assert await mcp.list() == [first]


@pytest.mark.usefixtures("service")
async def test_a_submission_is_for_one_server(mcp: McpOperator) -> None:
    with pytest.raises(MalformedError):
        await mcp.create(sealed_for=new_id())


@pytest.mark.usefixtures("service")
async def test_another_organization_has_no_such_server(
    mcp: McpOperator, stranger: Operator
) -> None:
    server = await mcp.create()

    with pytest.raises(McpServerNotFoundError):
        await McpOperator(stranger).get(server.id)
    assert await McpOperator(stranger).list() == []


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize(
    "url",
    [
        "https://169.254.169.254/mcp",
        "https://metadata.google.internal/mcp",
        "https://2130706433/mcp",
        "https://user@mcp.example.com/mcp",
        "https://mcp.example.com/mcp?api_key=secret",
        "http://mcp.example.com/mcp",
        "https://mcp.example.com:22/mcp",
        "ftp://mcp.example.com/mcp",
    ],
)
async def test_a_server_is_where_one_may_be(mcp: McpOperator, url: str) -> None:
    with pytest.raises(McpUrlForbiddenError):
        await mcp.create(url=url)


@pytest.mark.usefixtures("service")
async def test_a_token_that_no_header_can_carry_is_refused(mcp: McpOperator) -> None:
    with pytest.raises(InvalidError, match="token"):
        await mcp.create(token="a b")


async def test_a_token_whose_server_was_moved_does_not_open(
    mcp_runner: McpRunner, used: McpServer, superuser: Superuser
) -> None:
    await superuser.execute("UPDATE mcp_server SET url = 'https://evil.example/mcp'")

    with pytest.raises(CredentialTamperedError):
        await mcp_runner.lease(used.id, agent_id=AGENT, issued_at=_now())

    [noted] = await superuser.fetch("SELECT * FROM audit WHERE act = 'lease.failed'")
    assert json.loads(noted["details"])["code"] == CredentialTamperedError.code


async def test_while_all_is_frozen_no_token_is_leased(
    rotation: Rotation, mcp: McpOperator, mcp_runner: McpRunner
) -> None:
    async with serving(rotation.old):
        server = await mcp.create()
        await rotation.freeze()

        with pytest.raises(CredentialsFrozenError):
            await mcp_runner.lease(server.id, actor=SOMEONE, issued_at=_now())

        await rotation.unfreeze()
        await mcp_runner.lease(server.id, actor=SOMEONE, issued_at=_now())


async def test_a_rewrap_brings_tokens_under_the_new_master_key_too(
    rotation: Rotation, mcp: McpOperator, mcp_runner: McpRunner
) -> None:
    alone = rotation.new.model_copy(update={"retired_master_key_files": ()})
    async with serving(rotation.old):
        server = await mcp.create()
        await mcp.create("without", token=None)

    async with serving(rotation.new):
        before = await rotation.state()
        ended = await rotation.done()

    async with serving(alone):
        leased = await mcp_runner.lease(server.id, actor=SOMEONE, issued_at=_now())
    assert before.data_keys == {key_id_of(rotation.old): 1}
    assert (ended.status, ended.rewrapped) == (RewrapStatus.COMPLETED, 1)
    assert leased.token is not None
    assert leased.token.get_secret_value() == TOKEN
