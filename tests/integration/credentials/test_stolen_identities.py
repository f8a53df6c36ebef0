"""Whoever steals a login, of the bus or of the database, gets no plaintext for it.

That of the credentials service is not among them: who has become that service has all
that it has (docs/security.md).
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import nats.errors
import pytest
import pytest_asyncio
from nats.aio.msg import Msg

from ag2trust.provisioning import ROLES
from ag2trust.testing import BusAs, Stack
from credentials.app import serving
from credentials.leases.lease_requests import Refusal
from credentials.settings import Settings
from shared.bus import NatsBus
from shared.contracts.base import Service, Signed
from shared.contracts.credentials import (
    LEASE,
    lease_binding,
)
from shared.contracts.leasing import SealedLease
from shared.identity import Identity
from shared.sealing import SealBrokenError

from .conftest import Superuser
from .speaking import API_KEY, Agent, Operator, Runner

pytestmark = pytest.mark.integration

OTHERS = [each for each in Service if each is not Service.CREDENTIALS]
OUTSIDERS = [each for each in OTHERS if each is not Service.AGENT_RUNNER]
LISTENED = [
    *("credentials.>", "credentials.v1.>", "credentials.v1.lease", ">", "*.>"),
    *("_INBOX.>", "_INBOX_agent_runner.>", "_INBOX_credentials.>", "$JS.>"),
]
READING_FILES = [
    "SELECT pg_read_file($1)",
    "SELECT lo_import($1)::text",
    "SELECT pg_ls_dir($1)::text",
]
PATIENCE_SECONDS = 20
PATIENCE_IN_VAIN_SECONDS = 1
REFUSED = '"code":"LEASE_REFUSED"'


@pytest_asyncio.fixture
async def agent(
    settings: Settings, operator: Operator, runner: Runner
) -> AsyncIterator[Agent]:
    async with serving(settings):
        agent = Agent(runner, (await operator.create()).id)
        await agent.claim()
        yield agent


async def _attempt(
    bus: NatsBus, signed: Signed, *, seconds: float = PATIENCE_SECONDS
) -> bytes:
    """Put a lease request with nothing but a login; return what comes back."""
    try:
        answer = await bus._client.request(
            LEASE.subject, signed.model_dump_json().encode(), seconds
        )
    except nats.errors.Error:
        return b""
    return answer.data


def _requests(agent: Agent, thief: Identity, used: Signed) -> dict[str, Signed]:
    """Make the requests that a thief can make who has heard one that was *used*."""
    runner = agent.runner.identity.public.nkey
    own = agent.signed(by=thief, public_key=thief.sealing_key.public_key)
    return {
        "in the thief's own name": own,
        "in a runner's name": own.model_copy(update={"signer": runner}),
        "again": used,
        "for the thief's own key": used.model_copy(update={"body": own.body}),
        "with the signature of something else": own.model_copy(
            update={"signer": runner, "signature": used.signature}
        ),
    }


@pytest.mark.parametrize("service", OUTSIDERS)
async def test_a_login_that_is_no_runners_is_not_even_heard(
    agent: Agent,
    bus_as: BusAs,
    stack: Stack,
    superuser: Superuser,
    service: Service,
) -> None:
    used = agent.signed()
    await agent.runner.ask(used)
    requests = _requests(agent, stack.identity(service), used)

    async with bus_as(service) as bus:
        answers = await asyncio.gather(
            *(
                _attempt(bus, each, seconds=PATIENCE_IN_VAIN_SECONDS)
                for each in requests.values()
            )
        )

    assert answers == [b""] * len(requests)
    assert await _refusals(superuser) == []


async def test_a_runners_login_without_its_enrolment_is_refused(
    agent: Agent, bus_as: BusAs, superuser: Superuser
) -> None:
    used = agent.signed()
    await agent.runner.ask(used)
    requests = _requests(agent, Identity.generate(), used)

    async with bus_as(Service.AGENT_RUNNER) as bus:
        answers = [await _attempt(bus, each) for each in requests.values()]

    assert all(REFUSED in answer.decode() for answer in answers)
    assert await _refusals(superuser) == [
        Refusal.UNENROLLED,
        Refusal.FORGED,
        Refusal.REPLAYED,
        Refusal.FORGED,
        Refusal.FORGED,
    ]


@pytest.mark.parametrize("service", OTHERS)
async def test_whoever_listens_hears_no_plaintext_and_can_open_nothing(
    agent: Agent, bus_as: BusAs, stack: Stack, service: Service
) -> None:
    signed = agent.signed()
    async with _overhearing(bus_as, service) as heard:
        lease = await agent.runner.ask(signed)

    opened = agent.runner.opened(lease, signed)
    assert opened.fields["api_key"].get_secret_value() == API_KEY
    assert not any(API_KEY.encode() in each for each in heard)
    assert bool(heard) is (service is Service.AGENT_RUNNER)
    thief = stack.identity(service).sealing_key
    for each in heard:
        overheard = SealedLease.model_validate_json(each)
        with pytest.raises(SealBrokenError):
            thief.open(overheard.sealed, info=lease_binding(signed.body))


@asynccontextmanager
async def _overhearing(bus_as: BusAs, service: Service) -> AsyncIterator[list[bytes]]:
    """Listen to whatever the login may; some of it once only, hence the end."""
    heard: list[bytes] = []

    async def keep(message: Msg) -> None:
        heard.append(message.data)

    async with bus_as(service) as bus:
        for subject in LISTENED:
            await bus._client.subscribe(subject, cb=keep)
        await bus._settled()
        yield heard
        await bus._settled()


async def test_a_runner_gets_nothing_of_an_organization_it_is_not_enrolled_for(
    stack: Stack,
    operator: Operator,
    stranger: Operator,
    runner: Runner,
    superuser: Superuser,
) -> None:
    """Also not by claiming a use there, which the bus lets any runner do."""
    settings = stack.settings(
        Settings,
        Service.CREDENTIALS,
        runners_file=_enrolled(stack, runner, operator.org_id),
    )
    foreign = Runner(runner.bus, stranger.org_id, runner.identity)
    async with serving(settings):
        own = Agent(runner, (await operator.create()).id)
        theirs = Agent(foreign, (await stranger.create()).id)
        await own.claim()
        await theirs.claim()

        leased = await own.lease()
        answer = await _attempt(runner.bus, theirs.signed())
        tested = await _attempt(
            runner.bus,
            foreign.signed(
                purpose="test", actor=stranger.actor, provider_id=theirs.provider_id
            ),
        )

    assert leased.fields["api_key"].get_secret_value() == API_KEY
    assert REFUSED in answer.decode()
    assert REFUSED in tested.decode()
    assert await _refusals(superuser) == [Refusal.FOREIGN_ORGANIZATION] * 2


def _enrolled(stack: Stack, runner: Runner, org_id: UUID) -> Path:
    file = stack.folder / "enrolled.json"
    trusted = {
        "runner": runner.name,
        "identity": str(runner.identity.public),
        "organizations": [str(org_id)],
    }
    file.write_text(json.dumps([trusted]))
    return file


@pytest.mark.parametrize("role", [*ROLES, None], ids=lambda role: role or "superuser")
async def test_a_role_of_the_database_finds_no_plaintext_wherever_it_may_look(
    agent: Agent, stack: Stack, role: str | None
) -> None:
    await agent.lease()
    connection = await stack.connect(role)

    read = await _everything(connection, agent.runner.org_id)

    await connection.close()
    may_read = role is None or role.removesuffix("_sweep") == "credentials"
    assert (str(agent.provider_id) in read) is may_read
    for form in (API_KEY, API_KEY.encode().hex(), _master_key(stack)):
        assert form not in read


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_reads_no_file_of_the_machine(
    agent: Agent,  # noqa: ARG001 - runs meanwhile
    stack: Stack,
    role: str,
) -> None:
    connection = await stack.connect(role)
    file = str(stack.installation.master_key_file)

    for statement in READING_FILES:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetchval(statement, file)

    await connection.close()


async def _everything(connection: Any, org_id: UUID) -> str:
    """Read every row of every table that the role may read, and what others ask."""
    await connection.execute(f"SET ag2trust.org_id = '{org_id}'")
    tables = await connection.fetch(
        """
        SELECT format('SELECT t::text AS row FROM %I.%I t', schemaname, tablename)
            AS query
        FROM pg_tables
        UNION ALL
        SELECT 'SELECT t::text AS row FROM pg_stat_activity t'
        """
    )
    told = []
    for table in tables:
        with suppress(asyncpg.InsufficientPrivilegeError):
            rows = await connection.fetch(table["query"])
            told += [row["row"] for row in rows if row["row"]]
    return "\n".join(told)


def _master_key(stack: Stack) -> str:
    return stack.installation.master_key_file.read_text().strip()


async def _refusals(superuser: Superuser) -> list[str]:
    rows = await superuser.fetch(
        """
        SELECT details
        FROM audit
        WHERE act = 'lease.refused'
        ORDER BY org_id, position
        """
    )
    return [json.loads(row["details"])["reason"] for row in rows]
