"""The whole service with its master key in AWS KMS, the fake one."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ag2trust.testing import Stack
from credentials.app import serving
from credentials.settings import Settings
from shared.errors import (
    AppError,
    CredentialTamperedError,
    CredentialWrongKeyError,
    MasterKeyUnavailableError,
)

from .conftest import AWS_ACCOUNT, Superuser
from .fake_kms import ALIAS, REGION, FakeKms, Fault
from .service_process import running_process
from .speaking import API_KEY, Agent, Operator, Runner

pytestmark = pytest.mark.integration

_IN_TRANSACTION = """
SELECT count(*)
FROM pg_stat_activity
WHERE datname = current_database() AND usename = 'credentials' AND xact_start < now()
"""


@pytest_asyncio.fixture
async def service_on_aws(aws_settings: Settings) -> AsyncIterator[None]:
    async with serving(aws_settings):
        yield


@pytest_asyncio.fixture
async def agent(service_on_aws: None, operator: Operator, runner: Runner) -> Agent:  # noqa: ARG001 - runs meanwhile
    agent = Agent(runner, (await operator.create()).id)
    await agent.claim()
    return agent


async def test_a_secret_is_sealed_and_leased_through_kms(
    kms: FakeKms, agent: Agent, superuser: Superuser
) -> None:
    leased = await agent.lease()

    row = await superuser.fetchrow("SELECT * FROM credential_version")
    assert row is not None
    assert row["master_key_id"] == kms.first_arn
    assert leased.fields["api_key"].get_secret_value() == API_KEY
    assert kms.asked == ["GenerateDataKey", "Decrypt"]


async def test_no_data_key_is_kept(kms: FakeKms, agent: Agent) -> None:
    await agent.lease()
    await agent.lease()

    assert kms.asked.count("Decrypt") == 2


async def test_kms_decrypts_nothing_that_the_audit_does_not_hold(
    kms: FakeKms, agent: Agent, superuser: Superuser
) -> None:
    await superuser.execute("REVOKE INSERT ON audit FROM credentials")

    with pytest.raises(AppError):
        await agent.lease()

    assert "Decrypt" not in kms.asked


async def test_a_slow_kms_holds_no_transaction_open(
    kms: FakeKms, operator: Operator, agent: Agent, superuser: Superuser
) -> None:
    kms.released.clear()
    while not kms.arrivals.locked():
        await kms.arrivals.acquire()

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(operator.create("Second"))
        group.create_task(operator.update(agent.provider_id, api_key="sk-new"))
        group.create_task(agent.lease())
        for _ in range(3):
            await kms.arrivals.acquire()
        in_transaction = await superuser.fetchval(_IN_TRANSACTION)
        kms.released.set()

    assert in_transaction == 0


async def test_wrong_key_tampered_row_and_unavailable_kms_are_three_errors(
    kms: FakeKms, agent: Agent, superuser: Superuser
) -> None:
    kms.trouble(kms.first_arn, "DisabledException")
    with pytest.raises(MasterKeyUnavailableError, match="disabled") as raised:
        await agent.lease()
    assert raised.value.retry_after_seconds == 30

    kms.trouble(kms.first_arn, None)
    await superuser.execute("UPDATE provider SET base_url = 'https://evil.example'")
    with pytest.raises(CredentialTamperedError):
        await agent.lease()

    await superuser.execute(
        "UPDATE credential_version SET master_key_id = $1", kms.add_key()
    )
    with pytest.raises(CredentialWrongKeyError):
        await agent.lease()


async def test_nothing_that_kms_answers_is_in_the_log(
    kms: FakeKms, stack: Stack, operator: Operator, runner: Runner
) -> None:
    """Failures included, and AWS's SDK at its most talkative."""
    variables = {
        "MASTER_KEY": "aws",
        "MASTER_KEY_FILE": "",
        "MASTER_KEY_ALIAS": ALIAS,
        "MASTER_KEY_REGION": REGION,
        "MASTER_KEY_ENDPOINT_URL": kms.url,
        "LOG_LEVEL": "debug",
    }
    settings = {f"AG2TRUST_CREDENTIALS_{name}": variables[name] for name in variables}
    async with running_process(stack, **settings, **AWS_ACCOUNT) as service:
        agent = Agent(runner, (await operator.create()).id)
        await agent.claim()
        await agent.lease()
        kms.faults.extend([Fault("ThrottlingException")] * 3)
        with pytest.raises(MasterKeyUnavailableError):
            await agent.lease()
        kms.trouble(kms.first_arn, "DisabledException")
        with pytest.raises(MasterKeyUnavailableError):
            await agent.lease()

    failures = [line for line in service.log.splitlines() if "lease.failed" in line]
    assert len(failures) == 2
    for secret in (API_KEY, *kms.plaintexts, AWS_ACCOUNT["AWS_SECRET_ACCESS_KEY"]):
        assert secret not in service.log


async def test_the_service_starts_without_kms_and_serves_once_it_is_there(
    kms: FakeKms, aws_settings: Settings, operator: Operator
) -> None:
    kms.trouble(kms.first_arn, "AccessDeniedException")

    async with serving(aws_settings):
        with pytest.raises(MasterKeyUnavailableError):
            await operator.create()
        kms.trouble(kms.first_arn, None)
        assert (await operator.create()).name == "Main"
