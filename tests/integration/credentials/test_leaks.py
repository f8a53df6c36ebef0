"""Whatever fails, at DEBUG level too: no secret in an error, a log, a row or a file.

Each test looks wherever the failure could have told a secret, and makes sure that the
failure came about and left its trace there.
"""

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ag2trust.testing import Stack
from shared.contracts.credentials import ProviderSubmission
from shared.errors import AppError
from shared.ids import new_id

from .conftest import AWS_ACCOUNT, Superuser
from .fake_kms import ALIAS, REGION, FakeKms, Fault
from .service_process import running_process
from .speaking import API_KEY, Agent, Operator, Runner

pytestmark = pytest.mark.integration

SECOND_KEY = "sk-test-two-9876543210-qrst"
PREFIX = "AG2TRUST_CREDENTIALS_"
DEBUG = {f"{PREFIX}LOG_LEVEL": "debug"}
MANY, ACTS = 20, 3

KMS_FAULTS = [
    Fault("AccessDeniedException"),
    Fault("DisabledException"),
    Fault("KMSInvalidStateException"),
    Fault("NotFoundException"),
    Fault("InvalidCiphertextException"),
    Fault("IncorrectKeyException"),
    Fault("NobodyKnowsThisException"),
    Fault(is_after_success=True),
    Fault("ThrottlingException"),
    Fault("KMSInternalException", status=500),
]
_TELL_THE_ROW = """
CREATE FUNCTION tell_the_row() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'the row is %', NEW; END $$;
GRANT EXECUTE ON FUNCTION tell_the_row() TO credentials;
"""
DATABASE_FAULTS = {
    "the audit cannot be written": (
        "REVOKE INSERT ON audit FROM credentials",
        "GRANT INSERT ON audit TO credentials",
    ),
    "a constraint tells the row": (
        """
        ALTER TABLE credential_version ADD CONSTRAINT no CHECK (false) NOT VALID;
        ALTER TABLE lease ADD CONSTRAINT no CHECK (false) NOT VALID
        """,
        """
        ALTER TABLE credential_version DROP CONSTRAINT no;
        ALTER TABLE lease DROP CONSTRAINT no
        """,
    ),
    "a trigger tells the row": (
        """
        CREATE TRIGGER t BEFORE INSERT OR UPDATE ON credential_version
            FOR EACH ROW EXECUTE FUNCTION tell_the_row();
        CREATE TRIGGER t BEFORE INSERT ON lease
            FOR EACH ROW EXECUTE FUNCTION tell_the_row()
        """,
        "DROP TRIGGER t ON credential_version; DROP TRIGGER t ON lease",
    ),
    "a table is gone": (
        "ALTER TABLE provider RENAME TO provider_gone",
        "ALTER TABLE provider_gone RENAME TO provider",
    ),
}


async def _agent(operator: Operator, runner: Runner) -> Agent:
    """Make an agent that has leased the key of its provider."""
    agent = Agent(runner, (await operator.create()).id)
    await agent.claim()
    await agent.lease()
    return agent


async def _failures(operator: Operator, agent: Agent) -> list[str]:
    """Do whatever has a secret in hand, and insist that it fails; tell the errors."""
    told = []
    for act in (
        operator.create(f"Number {new_id()}", api_key=SECOND_KEY),
        operator.update(agent.provider_id, api_key=SECOND_KEY),
        agent.lease(),
    ):
        with pytest.raises(AppError) as raised:
            await act
        told.append(repr(vars(raised.value)))
    return told


async def _trial(operator: Operator, runner: Runner) -> None:
    """Lease what is on trial: neither KMS nor a stored secret is needed for it."""
    provider_id = new_id()
    submission = ProviderSubmission.model_validate(
        {"name": "Trial", "type": "openai", "api_key": SECOND_KEY}
    )
    sealed = operator.sealed(submission.model_dump_json(), provider_id)
    signed = runner.signed(
        purpose="trial",
        actor=operator.actor,
        provider_id=provider_id,
        submission=sealed,
    )
    leased = runner.opened(await runner.ask(signed), signed)
    assert leased.fields["api_key"].get_secret_value() == SECOND_KEY


async def _rows(superuser: Superuser) -> str:
    tables = await superuser.fetch(
        """
        SELECT format('SELECT t::text AS row FROM credentials.%I t', tablename)
            AS query
        FROM pg_tables
        WHERE schemaname = 'credentials'
        """
    )
    rows = [await superuser.fetch(each["query"]) for each in tables]
    return "\n".join(row["row"] for found in rows for row in found)


def _require_in_none(secrets: Iterable[str], *told: str) -> None:
    """Look for the secrets as text, and as the hexadecimal of PostgreSQL."""
    for text in told:
        for secret in secrets:
            assert secret not in text
            assert secret.encode().hex() not in text


async def test_no_failure_of_kms_tells_a_secret(
    stack: Stack,
    kms: FakeKms,
    operator: Operator,
    runner: Runner,
    superuser: Superuser,
) -> None:
    on_aws = {
        f"{PREFIX}MASTER_KEY": "aws",
        f"{PREFIX}MASTER_KEY_FILE": "",
        f"{PREFIX}MASTER_KEY_ALIAS": ALIAS,
        f"{PREFIX}MASTER_KEY_REGION": REGION,
        f"{PREFIX}MASTER_KEY_ENDPOINT_URL": kms.url,
    }
    async with running_process(stack, **on_aws, **DEBUG, **AWS_ACCOUNT) as service:
        agent = await _agent(operator, runner)
        told = []
        for fault in KMS_FAULTS:
            kms.faults.extend([fault] * MANY)
            told += await _failures(operator, agent)
            await _trial(operator, runner)
            assert len(kms.faults) <= MANY - ACTS
            kms.faults.clear()
            await agent.lease()  # or the circuit opens, and KMS is asked no more

    secrets = {
        *(API_KEY, SECOND_KEY, AWS_ACCOUNT["AWS_SECRET_ACCESS_KEY"]),
        *kms.plaintexts,
        *(b64decode(each).hex() for each in kms.plaintexts),
    }
    assert service.events.count("lease.failed") == len(KMS_FAULTS)
    assert len(kms.plaintexts) > 1
    _require_in_none(secrets, service.log, *told, await _rows(superuser))


async def test_no_failure_of_the_database_tells_a_secret(
    stack: Stack, operator: Operator, runner: Runner, superuser: Superuser
) -> None:
    """A handler that crashes on what PostgreSQL says logs where, and none of it."""
    async with running_process(stack, **DEBUG) as service:
        agent = await _agent(operator, runner)
        await superuser.execute(_TELL_THE_ROW)
        told = []
        for fault, mending in DATABASE_FAULTS.values():
            await superuser.execute(fault)
            told += await _failures(operator, agent)
            await superuser.execute(mending)
        await agent.lease()

    crashes = 3 * len(DATABASE_FAULTS)
    assert service.events.count("question.failed") == crashes
    assert all("INTERNAL_ERROR" in each for each in told)
    assert "CheckViolationError" in service.log
    assert "RaiseError" in service.log
    _require_in_none([API_KEY, SECOND_KEY], service.log, *told, await _rows(superuser))


async def test_a_database_that_goes_away_tells_no_secret(
    stack: Stack, operator: Operator, runner: Runner, superuser: Superuser
) -> None:
    async with running_process(stack, **DEBUG) as service:
        agent = await _agent(operator, runner)
        async with _away(stack, superuser):
            told = await _failures(operator, agent)
        await agent.lease()

    assert "lease.granted" in service.events
    assert "question.failed" in service.events
    _require_in_none([API_KEY, SECOND_KEY], service.log, *told, await _rows(superuser))


@asynccontextmanager
async def _away(stack: Stack, superuser: Superuser) -> AsyncIterator[None]:
    """Let the service's role in no more, and end its connections."""
    await superuser.execute(
        f"REVOKE CONNECT ON DATABASE {stack.database} FROM credentials"
    )
    await superuser.execute(
        """
        SELECT pg_terminate_backend(pid)
        FROM pg_stat_activity
        WHERE usename = 'credentials' AND datname = current_database()
        """
    )
    try:
        yield
    finally:
        await superuser.execute(
            f"GRANT CONNECT ON DATABASE {stack.database} TO credentials"
        )


async def test_a_postgresql_that_logs_all_statements_and_parameters_logs_no_secret(
    stack: Stack, operator: Operator, runner: Runner, superuser: Superuser
) -> None:
    """An administrator may turn it on: what we bind is sealed before."""
    for setting, value in (
        ("log_statement", "'all'"),
        ("log_min_duration_statement", "0"),
        ("log_min_error_statement", "'error'"),
        ("log_parameter_max_length", "-1"),
        ("log_parameter_max_length_on_error", "-1"),
    ):
        await superuser.execute(
            f"ALTER DATABASE {stack.database} SET {setting} = {value}"
        )
    name = f"logged-{new_id()}"
    async with running_process(stack, **DEBUG):
        agent = await _agent(operator, runner)
        await operator.update(agent.provider_id, name=name, api_key=SECOND_KEY)
        await agent.lease()
        await _trial(operator, runner)
        await superuser.execute(_TELL_THE_ROW)
        fault, mending = DATABASE_FAULTS["a trigger tells the row"]
        await superuser.execute(fault)
        await _failures(operator, agent)
        await superuser.execute(mending)

    log = await asyncio.to_thread(_log_of_postgresql, await _data_folder(superuser))
    assert name in log
    assert "the row is" in log
    _require_in_none([API_KEY, SECOND_KEY], log)


async def _data_folder(superuser: Superuser) -> Path:
    return Path(await superuser.fetchval("SHOW data_directory"))


def _log_of_postgresql(data_folder: Path) -> str:
    """Read the log where `ag2trust.testing` has it written: beside the cluster."""
    return data_folder.parent.with_suffix(".log").read_text(errors="replace")
