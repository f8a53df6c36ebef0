"""The audit as a chain: written, told, exported, and verified against touch."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from importlib.resources import files
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from ag2trust.testing import Stack
from ag2trust.waiting import until
from credentials.administration.head_export import HeadExport
from credentials.app import serving
from credentials.settings import Settings
from credentials.verify_audit import verified
from shared.audit_chain import AuditHead
from shared.audit_heads import read_heads
from shared.bus import NatsBus
from shared.contracts.audit_verification import (
    VERIFY_AUDIT,
    AuditFinding,
    AuditFlaw,
    AuditVerification,
)
from shared.contracts.base import Actor, PageQuestion, Question, Service
from shared.contracts.credentials import LIST_AUDIT
from shared.database import Database, connect_database
from shared.errors import AppError
from shared.ids import new_id
from shared.testing import FakeClock

from .conftest import Superuser
from .speaking import Agent, Operator, Runner

pytestmark = pytest.mark.integration


@pytest_asyncio.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    async with connect_database(settings) as connected:
        yield connected


@pytest_asyncio.fixture
async def history(service: None, operator: Operator, runner: Runner) -> UUID:  # noqa: ARG001 - runs meanwhile
    """Write nine entries; return whose they are."""
    agent = Agent(runner, (await operator.create()).id)
    await agent.claim()
    for _ in range(6):
        await agent.lease()
    await operator.update(agent.provider_id, name="Zweiter Anbieter ü")
    return operator.org_id


async def _flaws(
    database: Database, org_id: UUID, *heads: AuditHead
) -> list[tuple[AuditFlaw, int]]:
    findings = (await verified(database, heads)).get(org_id, [])
    return [(each.flaw, each.position) for each in findings]


async def _exported(settings: Settings, stack: Stack) -> list[AuditHead]:
    heads, bad = await asyncio.to_thread(
        read_heads,
        settings.audit_folder,
        Service.CREDENTIALS,
        of=stack.identity(Service.CREDENTIALS).public,
    )
    assert bad == []
    return heads


async def _export(database: Database, settings: Settings, stack: Stack) -> None:
    identity = stack.identity(Service.CREDENTIALS)
    await HeadExport(database, settings.audit_folder, identity).export()


@pytest_asyncio.fixture
async def kept_history(
    history: UUID, database: Database, settings: Settings, stack: Stack
) -> UUID:
    """Keep the head of the nine entries, too."""
    await _export(database, settings, stack)
    return history


async def test_what_was_written_is_whole(
    database: Database, history: UUID, superuser: Superuser
) -> None:
    positions = await superuser.fetchval(
        "SELECT array_agg(position ORDER BY id) FROM audit"
    )

    assert positions == [*range(1, 10)]
    assert await _flaws(database, history) == []


async def test_entries_written_at_once_are_one_chain_each(
    service: None,  # noqa: ARG001 - runs meanwhile
    database: Database,
    operator: Operator,
    stranger: Operator,
    superuser: Superuser,
) -> None:
    await asyncio.gather(
        *(operator.create(f"Number {each}") for each in range(20)),
        *(stranger.create(f"Number {each}") for each in range(20)),
    )

    counts = await superuser.fetch("SELECT count(*) FROM audit GROUP BY org_id")
    assert [row["count"] for row in counts] == [20, 20]
    assert await verified(database, []) == {operator.org_id: [], stranger.org_id: []}


@pytest.mark.parametrize(
    ("statement", "flaws"),
    [
        ("UPDATE audit SET act = 'x' WHERE position = 4", [(AuditFlaw.EDITED, 4)]),
        ("UPDATE audit SET actor_id = 'x' WHERE position = 4", [(AuditFlaw.EDITED, 4)]),
        (
            """
            UPDATE audit SET details = details || '{"epoch": 2}' WHERE position = 4
            """,
            [(AuditFlaw.EDITED, 4)],
        ),
        ("UPDATE audit SET at = now() WHERE position = 4", [(AuditFlaw.EDITED, 4)]),
        (
            "UPDATE audit SET request_id = 'x' WHERE position = 4",
            [(AuditFlaw.EDITED, 4)],
        ),
        ("DELETE FROM audit WHERE position = 4", [(AuditFlaw.REMOVED, 4)]),
        ("DELETE FROM audit WHERE position = 9", [(AuditFlaw.TRUNCATED, 9)]),
        (
            """
            UPDATE audit SET position = CASE position WHEN 2 THEN 105 ELSE 102 END
            WHERE position IN (2, 5);
            UPDATE audit SET position = position - 100 WHERE position > 100
            """,
            [(AuditFlaw.MOVED, 2), (AuditFlaw.MOVED, 5)],
        ),
    ],
)
async def test_whoever_touches_a_row_is_found_out(
    database: Database,
    history: UUID,
    superuser: Superuser,
    statement: str,
    flaws: list[tuple[AuditFlaw, int]],
) -> None:
    await superuser.execute(statement)

    assert await _flaws(database, history) == flaws


_CUT = """
DELETE FROM audit WHERE position > 5;
UPDATE audit_head
SET position = 5, hash = (SELECT hash FROM audit WHERE position = 5);
"""


async def test_a_cut_end_is_found_out_by_the_exported_head(
    database: Database,
    history: UUID,
    superuser: Superuser,
    settings: Settings,
    stack: Stack,
) -> None:
    await _export(database, settings, stack)

    await superuser.execute(_CUT)

    heads = await _exported(settings, stack)
    assert await _flaws(database, history, *heads) == [(AuditFlaw.TRUNCATED, 6)]
    assert await _flaws(database, history) == []


async def test_an_audit_that_was_wiped_out_is_found_out_by_the_exported_head(
    database: Database,
    history: UUID,
    superuser: Superuser,
    settings: Settings,
    stack: Stack,
) -> None:
    await _export(database, settings, stack)

    await superuser.execute("DELETE FROM audit; DELETE FROM audit_head")

    heads = await _exported(settings, stack)
    assert await _flaws(database, history, *heads) == [(AuditFlaw.TRUNCATED, 1)]
    assert await _flaws(database, history) == []


async def test_every_start_exports_and_a_chain_that_stands_still_is_not_repeated(
    database: Database,
    history: UUID,
    operator: Operator,
    settings: Settings,
    stack: Stack,
) -> None:
    clock = FakeClock()
    export = HeadExport(
        database,
        settings.audit_folder,
        stack.identity(Service.CREDENTIALS),
        now=clock,
    )
    before = len(await _exported(settings, stack))
    await export.export()
    await export.export()
    await operator.create("Second")
    await export.export()

    exported = (await _exported(settings, stack))[before:]
    assert [(head.org_id, head.position, head.at) for head in exported] == [
        (history, 9, clock.time),
        (history, 10, clock.time),
    ]


async def test_the_service_exports_by_itself(
    settings: Settings, operator: Operator, stack: Stack
) -> None:
    async with serving(settings):
        await operator.create()

    async with serving(settings):
        [head] = await until("an export", lambda: _exported(settings, stack))

    assert (head.org_id, head.position) == (operator.org_id, 1)


@pytest.mark.parametrize("role", ["credentials", "credentials_sweep"])
async def test_no_role_of_the_service_removes_the_end_of_a_chain(
    stack: Stack,
    history: UUID,  # noqa: ARG001 - there to be removed
    role: str,
) -> None:
    connection = await stack.connect(role)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("DELETE FROM audit_head")

    await connection.close()


async def test_an_act_whose_entry_cannot_be_chained_is_not_done(
    service: None,  # noqa: ARG001 - runs meanwhile
    operator: Operator,
    superuser: Superuser,
) -> None:
    await operator.create()
    await superuser.execute("REVOKE UPDATE ON audit_head FROM credentials")

    with pytest.raises(AppError):
        await operator.create("Second")

    assert len((await operator.list()).data) == 1


async def test_the_audit_is_told_in_pages_newest_first_to_its_organization(
    history: UUID, gateway: NatsBus, operator: Operator, stranger: Operator
) -> None:
    await stranger.create()

    question = PageQuestion(org_id=history, actor=operator.actor, limit=5)
    first = await gateway.ask(LIST_AUDIT, question)
    second = await gateway.ask(
        LIST_AUDIT, question.model_copy(update={"cursor": first.next_cursor})
    )

    told = first.data + second.data
    assert [each.position for each in told] == [*range(9, 0, -1)]
    assert second.next_cursor is None
    assert told[0].act == "provider.updated"
    assert told[0].actor == operator.actor
    assert told[0].details == {"changed": ["name"]}
    assert all(len(each.hash or "") == 64 for each in told)


async def _verified(bus: NatsBus, org_id: UUID) -> AuditVerification:
    asker = Actor(kind="user", id="ada")
    return await bus.ask(VERIFY_AUDIT, Question(org_id=org_id, actor=asker))


async def test_the_service_tells_that_an_organizations_chain_is_whole(
    kept_history: UUID,
    gateway: NatsBus,
    stranger: Operator,
    superuser: Superuser,
) -> None:
    await stranger.create()
    await superuser.execute(
        "UPDATE audit SET act = 'x' WHERE org_id = $1", stranger.org_id
    )

    told = await _verified(gateway, kept_history)

    last = await superuser.fetchval("SELECT hash FROM audit WHERE position = 9")
    assert told.is_whole
    assert (told.entries, told.position, told.hash) == (9, 9, last.hex())
    assert told.kept_heads >= 1
    assert (told.flaws, told.findings, told.unreadable_heads) == (0, [], 0)


async def test_the_service_names_the_entry_that_was_touched(
    history: UUID, gateway: NatsBus, superuser: Superuser
) -> None:
    await superuser.execute("UPDATE audit SET act = 'x' WHERE position = 4")

    told = await _verified(gateway, history)

    entry_id = await superuser.fetchval("SELECT id FROM audit WHERE position = 4")
    finding = AuditFinding(flaw=AuditFlaw.EDITED, position=4, entry_id=entry_id)
    assert not told.is_whole
    assert (told.flaws, told.findings) == (1, [finding])


async def test_the_service_sees_a_cut_end_by_the_heads_it_kept(
    kept_history: UUID, gateway: NatsBus, superuser: Superuser
) -> None:
    await superuser.execute(_CUT)

    told = await _verified(gateway, kept_history)

    [finding] = told.findings
    assert (finding.flaw, finding.position) == (AuditFlaw.TRUNCATED, 6)
    assert finding.kept_at == told.head_kept_at


async def test_an_organization_without_entries_has_a_whole_chain(
    service: None,  # noqa: ARG001 - runs meanwhile
    gateway: NatsBus,
) -> None:
    told = await _verified(gateway, new_id())

    assert told.is_whole
    assert (told.entries, told.position, told.hash) == (0, None, None)


async def test_entries_of_the_first_release_become_the_beginning_of_the_chain(
    stack: Stack, settings: Settings, operator: Operator, superuser: Superuser
) -> None:
    await _make_first_release(stack)
    others = new_id()
    for org_id, second in [(operator.org_id, 1), (others, 2), (operator.org_id, 3)]:
        await superuser.execute(
            """
            INSERT INTO audit (
                org_id, id, at, actor_kind, actor_id, act, object_kind, object_id,
                details, request_id
            )
            VALUES (
                $1, $2, $3, 'api_key', 'key-1', 'provider.created', 'provider', $2,
                $4, $5
            )
            """,
            org_id,
            new_id(),
            datetime(2026, 1, 1, 12, 0, second, 123456, tzinfo=UTC),
            '{"b": [1, {"zz": null, "y": "ü𝄞\\n\\"\\\\"}], "aaa": true, "é": -7}',
            "request-ü" if second == 3 else None,
        )

    async with serving(settings), connect_database(settings) as database:
        await operator.create()
        assert await verified(database, []) == {operator.org_id: [], others: []}

    assert await superuser.fetchval("SELECT max(position) FROM audit") == 3


async def _make_first_release(stack: Stack) -> None:
    """Apply the first migration alone."""
    await stack.empty_schema(Service.CREDENTIALS)
    script = files("credentials.migrations").joinpath("0001_providers.sql")
    owner = await stack.connect("credentials_owner")
    await owner.execute(script.read_text("utf-8"))
    await owner.execute(
        """
        CREATE TABLE migration (
            name       text PRIMARY KEY,
            applied_at timestamptz NOT NULL DEFAULT now()
        );
        INSERT INTO migration (name) VALUES ('0001_providers.sql');
        """
    )
    await owner.close()


async def _verify_as_program(stack: Stack) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "credentials.verify_audit",
        env=stack.environment(Service.CREDENTIALS),
        stdout=subprocess.PIPE,
    )
    told, _ = await process.communicate()
    return await process.wait(), told.decode()


async def test_as_a_program_the_verifier_names_the_row_and_fails(
    stack: Stack,
    settings: Settings,
    database: Database,
    history: UUID,
    superuser: Superuser,
) -> None:
    await _export(database, settings, stack)
    whole = await _verify_as_program(stack)
    entry_id = await superuser.fetchval("SELECT id FROM audit WHERE position = 4")
    await superuser.execute("UPDATE audit SET act = 'x' WHERE position = 4")

    broken = await _verify_as_program(stack)

    assert whole[0] == 0
    assert whole[1].startswith("The audit is whole (1 organization, ")
    assert broken[0] == 1
    assert f"organization {history}: entry 4 ({entry_id}) was edited" in broken[1]
