"""Leases: what they hold, what does not open, and when they end."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from ag2trust.testing import Stack
from credentials.administration.freeze import Freeze
from credentials.app import planner_of, role_sessions_of
from credentials.leases.enrolment import Enrolment
from credentials.leases.leases import LEASE_LIFETIME, Leases
from credentials.leases.trials import Trials
from credentials.master_keys.local import LocalMasterKey
from credentials.providers.submissions import Submissions
from credentials.settings import Settings
from credentials.vault import Vault
from shared.contracts.base import Service
from shared.contracts.credentials import (
    LEASE_REPLY_PURPOSE,
    LeasedCredential,
    ProviderType,
    lease_binding,
)
from shared.contracts.held_providers import (
    CHANGED_PROVIDERS,
    HeldProvider,
    HeldProviders,
)
from shared.database import connect_database
from shared.errors import (
    AppError,
    CredentialTamperedError,
    CredentialUnreadableError,
    ProviderInUseError,
)
from shared.ids import new_id
from shared.sealing import SealBrokenError, SealingKey
from shared.signing import signed_bytes
from shared.testing import FakeClock

from .conftest import Superuser
from .lease_rows import lease_count
from .speaking import API_KEY, Agent, Operator

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("service")]


async def test_a_lease_holds_all_that_a_call_needs(agent: Agent) -> None:
    leased = await agent.lease()

    assert leased.fields["api_key"].get_secret_value() == API_KEY
    assert leased == LeasedCredential(
        provider_id=agent.provider_id,
        type=ProviderType.OPENAI,
        name="Main",
        use_case="support",
        labels={"team": "one"},
        base_url="https://api.openai.com/v1",
        enabled=True,
        version=1,
        fields=leased.fields,
        provider_version=1,
    )


async def test_the_reply_is_signed_for_this_request(stack: Stack, agent: Agent) -> None:
    signed = agent.signed()

    lease = await agent.runner.ask(signed)

    words = signed_bytes(LEASE_REPLY_PURPOSE, signed.body, lease.sealed)
    credentials = stack.identity(Service.CREDENTIALS).public
    assert credentials.verifies(lease.signature, words)
    assert timedelta() < lease.expires_at - datetime.now(UTC) <= LEASE_LIFETIME


async def test_the_reply_opens_for_its_request_and_its_key_alone(agent: Agent) -> None:
    signed = agent.signed()

    lease = await agent.runner.ask(signed)

    binding = lease_binding(signed.body)
    with pytest.raises(SealBrokenError):
        agent.runner.key.open(lease.sealed, info=lease_binding(signed.body + b" "))
    with pytest.raises(SealBrokenError):
        SealingKey.generate().open(lease.sealed, info=binding)
    assert API_KEY.encode() not in lease.sealed


async def test_a_disabled_provider_is_leased_as_disabled(
    operator: Operator, agent: Agent
) -> None:
    await operator.update(agent.provider_id, enabled=False)

    assert not (await agent.lease()).enabled


async def test_whoever_missed_a_change_is_told_of_it_when_asking(agent: Agent) -> None:
    held = HeldProvider(
        org_id=agent.runner.org_id,
        provider_id=agent.provider_id,
        version=(await agent.lease()).provider_version,
    )
    others = held.model_copy(update={"org_id": new_id()})
    earlier = held.model_copy(update={"version": held.version - 1})

    answer = await agent.runner.bus.ask(
        CHANGED_PROVIDERS, HeldProviders(held=[held, others, earlier])
    )

    assert {each.provider_id for each in answer.changed} == {held.provider_id}
    assert sorted(each.org_id for each in answer.changed) == sorted(
        each.org_id for each in (others, earlier)
    )


async def test_a_lease_is_in_the_audit(agent: Agent, superuser: Superuser) -> None:
    lease = await agent.runner.ask(agent.signed(epoch=7))

    [row] = await superuser.fetch("SELECT * FROM audit WHERE act LIKE 'lease.%'")
    assert row["act"] == "lease.granted"
    assert (row["actor_kind"], row["actor_id"]) == ("service", "runner-1")
    assert (row["object_kind"], row["object_id"]) == ("provider", agent.provider_id)
    assert json.loads(row["details"]) == {
        "lease_id": str(lease.lease_id),
        "purpose": "agent",
        "agent_id": str(agent.id),
        "credential_version": 1,
        "runner": "runner-1",
        "epoch": 7,
    }


async def test_nothing_is_leased_that_the_audit_does_not_hold(
    agent: Agent, superuser: Superuser
) -> None:
    await superuser.execute("REVOKE INSERT ON audit FROM credentials")

    with pytest.raises(AppError) as raised:
        await agent.lease()

    assert raised.value.code == "INTERNAL_ERROR"
    assert await lease_count(superuser) == 0


async def test_leases_during_changes_are_of_one_moment(
    operator: Operator, agent: Agent
) -> None:
    async def change() -> None:
        for number in range(30):
            await operator.update(
                agent.provider_id,
                base_url=f"https://gateway-{number}.example",
                api_key=f"sk-of-gateway-{number}",
            )

    async def lease() -> list[LeasedCredential]:
        return [await agent.lease() for _ in range(30)]

    await operator.update(
        agent.provider_id, base_url="https://first.example", api_key="sk-of-first"
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(change())
        leasing = [group.create_task(lease()) for _ in range(4)]

    for leased in (each for task in leasing for each in task.result()):
        secret = leased.fields["api_key"].get_secret_value()
        assert leased.base_url == f"https://{secret.removeprefix('sk-of-')}.example"


async def _fails_as(
    error: type[AppError],
    agent: Agent,
    superuser: Superuser,
) -> None:
    """Lease in vain; the error tells no secret, and the audit tells the failure."""
    with pytest.raises(error) as raised:
        await agent.lease()

    told = raised.value.message + json.dumps(raised.value.details)
    assert str(agent.provider_id) in told
    assert API_KEY not in told
    [row] = await superuser.fetch("SELECT * FROM audit WHERE act = 'lease.failed'")
    assert json.loads(row["details"])["code"] == raised.value.code


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE provider SET base_url = 'https://evil.example/v1'",
        "UPDATE credential_version SET version = 2",
        """
        UPDATE credential_version
        SET encrypted_key = set_byte(encrypted_key, 50, get_byte(encrypted_key, 50) # 1)
        """,
        """
        UPDATE credential_version
        SET encrypted_dek = set_byte(encrypted_dek, 20, get_byte(encrypted_dek, 20) # 1)
        """,
    ],
)
async def test_a_changed_row_does_not_open(
    agent: Agent,
    superuser: Superuser,
    change: str,
) -> None:
    await superuser.execute(change)

    await _fails_as(CredentialTamperedError, agent, superuser)


@pytest.mark.parametrize(
    "columns",
    [["encrypted_key"], ["encrypted_dek"], ["encrypted_key", "encrypted_dek"]],
)
async def test_the_secret_of_another_provider_does_not_open(
    operator: Operator,
    agent: Agent,
    superuser: Superuser,
    columns: list[str],
) -> None:
    other = await operator.create("Second")
    changes = ", ".join(f"{column} = other.{column}" for column in columns)

    await superuser.execute(
        f"""
        UPDATE credential_version
        SET {changes}
        FROM credential_version other
        WHERE credential_version.provider_id = $1 AND other.provider_id = $2
        """,  # noqa: S608 - our own column names
        agent.provider_id,
        other.id,
    )

    await _fails_as(CredentialUnreadableError, agent, superuser)


@asynccontextmanager
async def _leases(
    settings: Settings, stack: Stack, clock: FakeClock
) -> AsyncIterator[Leases]:
    """Assemble the leases of the service, as they are by *clock*."""
    identity = stack.identity(Service.CREDENTIALS)
    async with connect_database(settings) as database:
        vault = Vault(
            LocalMasterKey.from_file(stack.installation.master_key_file),
            Freeze(database),
        )
        yield Leases(
            database=database,
            vault=vault,
            enrolment=Enrolment.from_file(settings.runners_file),
            identity=identity,
            roles=role_sessions_of(settings),
            trials=Trials(Submissions(identity), planner_of(settings, vault)),
            now=clock,
        )


async def test_an_expired_lease_is_forgotten_and_a_live_one_is_not(
    settings: Settings,
    stack: Stack,
    agent: Agent,
    superuser: Superuser,
) -> None:
    clock = FakeClock(datetime.now(UTC))
    await agent.lease()
    async with _leases(settings, stack, clock) as leases:
        clock.advance(LEASE_LIFETIME)
        await leases.forget_expired()
        before = await lease_count(superuser)
        clock.advance(LEASE_LIFETIME + timedelta(seconds=1))
        await leases.forget_expired()

    assert before == 1
    assert await lease_count(superuser) == 0


async def test_a_dead_runners_leases_end_and_its_agents_uses_stay_until_they_stopped(
    settings: Settings,
    stack: Stack,
    operator: Operator,
    agent: Agent,
    superuser: Superuser,
) -> None:
    await agent.lease()
    clock = FakeClock(datetime.now(UTC) + 3 * LEASE_LIFETIME)
    async with _leases(settings, stack, clock) as leases:
        await leases.forget_expired()

    assert await lease_count(superuser) == 0
    with pytest.raises(ProviderInUseError):
        await operator.delete(agent.provider_id)
    await agent.runner.release(agent.id, generation=2)
    await operator.delete(agent.provider_id)
