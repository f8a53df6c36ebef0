"""What the database lets each role do, and what nobody may find anywhere."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from ag2trust.testing import Stack
from shared.errors import AppError, CredentialTamperedError, RoleRefusedError
from shared.ids import new_id

from .conftest import Superuser
from .fake_sts import ROLE, Fault, running_fake_sts
from .service_process import running_process
from .speaking import API_KEY, KEY_PAIR, Agent, Operator, Runner

pytestmark = pytest.mark.integration

INSTALLATION_TABLES = ["freeze_switch", "rewrap"]
"""What belongs to no organization, and holds nothing of any."""

TABLES = [
    "audit",
    "audit_head",
    "credential_version",
    "external_id",
    "lease",
    "mcp_lease",
    "mcp_server",
    "mcp_use",
    "provider",
    "rewrap_failure",
    "rotation",
    "use",
    "use_claim",
    "webhook_lease",
    "webhook_secret",
]
SECOND_KEY = "sk-test-two-9876543210-qrst"
LOG_LEVEL = "AG2TRUST_CREDENTIALS_LOG_LEVEL"
STS_ENDPOINT_URL = "AG2TRUST_CREDENTIALS_STS_ENDPOINT_URL"
REFUSED_KEY = "sk-test-three 1122334455"
SECRETS = (
    API_KEY,
    SECOND_KEY,
    REFUSED_KEY,
    KEY_PAIR["aws_access_key_id"],
    KEY_PAIR["aws_secret_access_key"],
    "secret-of-session",
    "token-of-session",
)


async def _fill(operator: Operator, runner: Runner, superuser: Superuser) -> Agent:
    """Put a row into every table."""
    await superuser.execute(
        """
        WITH job AS (
            INSERT INTO rewrap (id, org_id, master_key_id, total)
            VALUES ($1, $2, 'local:none', 0)
            RETURNING id, org_id
        )
        INSERT INTO rewrap_failure (rewrap_id, org_id, object_id, version, code)
        SELECT id, org_id, id, 1, 'CREDENTIAL_TAMPERED'
        FROM job
        """,
        new_id(),
        operator.org_id,
    )
    await operator.create("Bedrock", **KEY_PAIR)
    await superuser.execute(
        """
        INSERT INTO rotation (org_id, id, provider_id, version, state, fields)
        SELECT org_id, id, id, 2, 'discarded', '{}'
        FROM provider
        WHERE org_id = $1
        """,
        operator.org_id,
    )
    await superuser.execute(
        """
        WITH secret AS (
            INSERT INTO webhook_secret (
                org_id, webhook_id, origin, encrypted_key, encrypted_dek, master_key_id
            )
            VALUES ($1, $2, 'https://hooks.example.com', '', '', 'local:none')
            RETURNING org_id, webhook_id
        )
        INSERT INTO webhook_lease (
            org_id, id, webhook_id, nonce, granted_at, expires_at
        )
        SELECT org_id, webhook_id, webhook_id, '', now(), now() FROM secret
        """,
        operator.org_id,
        new_id(),
    )
    agent = Agent(runner, (await operator.create()).id)
    await agent.claim()
    await agent.lease()
    await superuser.execute(
        """
        WITH server AS (
            INSERT INTO mcp_server (org_id, id, submission_fingerprint, name, url)
            VALUES ($1, $2, '', 'tickets', 'https://mcp.example.com')
            RETURNING org_id, id
        ), used AS (
            INSERT INTO mcp_use (org_id, agent_id, server_id)
            SELECT org_id, agent_id, server.id FROM server JOIN use_claim USING (org_id)
        )
        INSERT INTO mcp_lease (
            org_id, id, server_id, runner, nonce, granted_at, expires_at
        )
        SELECT org_id, id, id, 'runner-1', '', now(), now() FROM server
        """,
        operator.org_id,
        new_id(),
    )
    return agent


@pytest.mark.usefixtures("service")
async def test_every_table_is_guarded_by_row_level_security(
    superuser: Superuser,
) -> None:
    rows = await superuser.fetch(
        """
        SELECT relname
        FROM pg_class
        WHERE relnamespace = 'credentials'::regnamespace
          AND relkind = 'r'
          AND relname <> 'migration'
          AND relrowsecurity
          AND relforcerowsecurity
        ORDER BY relname
        """
    )
    tables = await superuser.fetchval(
        """
        SELECT count(*)
        FROM pg_tables
        WHERE schemaname = 'credentials' AND tablename <> 'migration'
        """
    )

    assert [row["relname"] for row in rows] == sorted(TABLES + INSTALLATION_TABLES)
    assert tables == len(rows)


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("table", TABLES)
async def test_without_an_organization_there_are_no_rows(
    stack: Stack, operator: Operator, runner: Runner, superuser: Superuser, table: str
) -> None:
    await _fill(operator, runner, superuser)
    count = f"SELECT count(*) FROM {table}"  # noqa: S608 - our own table names
    service = await stack.connect("credentials")
    sweep = await stack.connect("credentials_sweep")

    none = await service.fetchval(count)
    await service.execute(f"SET ag2trust.org_id = '{operator.org_id}'")
    own = await service.fetchval(count)
    await service.execute(f"SET ag2trust.org_id = '{new_id()}'")
    foreign = await service.fetchval(count)
    every = await sweep.fetchval(count)

    stored = await superuser.fetchval(count)
    assert stored > 0
    assert (none, own, foreign, every) == (0, stored, 0, stored)
    await service.close()
    await sweep.close()


@pytest.mark.usefixtures("service")
async def test_a_row_of_another_organization_cannot_be_written(
    stack: Stack, operator: Operator, runner: Runner, superuser: Superuser
) -> None:
    await _fill(operator, runner, superuser)
    service = await stack.connect("credentials")
    await service.execute(f"SET ag2trust.org_id = '{operator.org_id}'")

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await service.execute("UPDATE use_claim SET org_id = $1", new_id())

    await service.close()


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("role", ["credentials", "credentials_sweep"])
@pytest.mark.parametrize(
    "statement", ["UPDATE audit SET act = 'x'", "DELETE FROM audit", "TRUNCATE audit"]
)
async def test_the_audit_is_only_ever_added_to(
    stack: Stack, role: str, statement: str
) -> None:
    connection = await stack.connect(role)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(statement)

    await connection.close()


async def test_a_secret_is_in_no_row_no_file_no_error_and_no_log(
    stack: Stack, operator: Operator, runner: Runner, superuser: Superuser
) -> None:
    """Failures included: those are where secrets are usually told."""
    async with running_process(stack, **{LOG_LEVEL: "debug"}) as service:
        agent = await _fill(operator, runner, superuser)
        for failing in (
            operator.create("Main", api_key=SECOND_KEY),
            operator.create("Third", api_key=REFUSED_KEY),
            operator.update(agent.provider_id, api_key=REFUSED_KEY),
            operator.update(agent.provider_id, api_key=SECOND_KEY, if_version=99),
            agent.lease(agent_id=new_id()),
        ):
            with pytest.raises(AppError) as raised:
                await failing
            _require_none_in(repr(vars(raised.value)).encode(), "an error")
        await operator.update(agent.provider_id, api_key=SECOND_KEY)
        await agent.lease()
        await superuser.execute("UPDATE provider SET base_url = 'https://evil.example'")
        with pytest.raises(CredentialTamperedError):
            await agent.lease()

    _require_none_in(service.log.encode(), "the log")
    assert "lease.failed" in service.events
    for table in TABLES:
        rows = await superuser.fetch(f"SELECT t::text AS told FROM {table} t")  # noqa: S608 - our own table names
        told = "\n".join(row["told"] for row in rows)
        assert str(operator.org_id) in told
        _require_none_in(told.encode(), table)
    await superuser.execute("CHECKPOINT")
    folder = Path(await superuser.fetchval("SHOW data_directory"))
    assert await asyncio.to_thread(_search, folder)


def _search(folder: Path) -> list[Path]:
    """Look into every file of PostgreSQL; return those that hold rows of ours."""
    found = []
    for path in folder.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        _require_none_in(content, str(path))
        if b"lease.failed" in content:
            found.append(path)
    return found


def _require_none_in(content: bytes, where: str) -> None:
    """Look for the secrets as text, and as the hexadecimal that a dump writes."""
    for secret in SECRETS:
        for form in (secret.encode(), secret.encode().hex().encode()):
            assert form not in content, f"a secret is in {where}"


@pytest.mark.usefixtures("aws_account")
async def test_what_sts_gives_is_in_no_log_and_no_row(
    stack: Stack, operator: Operator, runner: Runner, superuser: Superuser
) -> None:
    """AWS's SDK logs whole answers at DEBUG, were it let."""
    async with running_fake_sts() as sts:
        variables = {LOG_LEVEL: "debug", STS_ENDPOINT_URL: sts.url}
        async with running_process(stack, **variables) as service:
            provider = await operator.create(**KEY_PAIR, aws_role_arn=ROLE)
            agent = Agent(runner, provider.id)
            await agent.claim()
            leased = await agent.lease()
            sts.faults.append(Fault("AccessDenied"))
            await operator.update(provider.id, name="Second")
            await operator.update(
                provider.id, aws_secret_access_key="secret-of-session"
            )
            with pytest.raises(RoleRefusedError) as raised:
                await agent.lease()

    assert leased.fields["aws_session_token"].get_secret_value() == "token-of-session-1"
    assert "role.assumed" in service.events
    _require_none_in(service.log.encode(), "the log")
    _require_none_in(repr(vars(raised.value)).encode(), "an error")
    for table in TABLES:
        rows = await superuser.fetch(f"SELECT t::text AS told FROM {table} t")  # noqa: S608 - our own table names
        _require_none_in("\n".join(row["told"] for row in rows).encode(), table)
