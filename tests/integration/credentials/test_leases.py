import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from ag2trust.testing import BusAs, Stack
from ag2trust.waiting import until
from credentials.administration.freeze import Freeze
from credentials.app import planner_of, role_sessions_of
from credentials.leases.enrolment import Enrolment
from credentials.leases.lease_requests import Refusal
from credentials.leases.leases import LEASE_LIFETIME, Leases
from credentials.leases.trials import Trials
from credentials.master_keys.local import LocalMasterKey
from credentials.providers.submissions import Submissions
from credentials.settings import Settings
from credentials.vault import Vault
from shared.bus import NatsBus
from shared.contracts.base import Service, Signed
from shared.contracts.credentials import (
    GET_PROVIDER,
    LEASE,
    LEASE_PURPOSE,
    LEASE_REPLY_PURPOSE,
    LeasedCredential,
    ProviderQuestion,
    ProviderType,
    lease_binding,
)
from shared.database import connect_database
from shared.errors import (
    AppError,
    CredentialTamperedError,
    CredentialUnreadableError,
    LeaseRefusedError,
    ProviderInUseError,
    UnavailableError,
)
from shared.identity import Identity
from shared.ids import new_id
from shared.sealing import SealBrokenError, SealingKey
from shared.signing import sign, signed_bytes
from shared.testing import FakeClock

from .conftest import Superuser
from .speaking import API_KEY, Agent, Operator, Runner

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("service")]

EVIL = Identity(b"e" * 32)

_WAITING = """
SELECT EXISTS (
    SELECT
    FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
)
"""


@pytest_asyncio.fixture
async def agent(operator: Operator, runner: Runner) -> Agent:
    provider = await operator.create(use_case="support", labels={"team": "one"})
    agent = Agent(runner, provider.id)
    await agent.claim()
    return agent


async def _refusals(superuser: Superuser) -> list[asyncpg.Record]:
    return await superuser.fetch("SELECT * FROM audit WHERE act = 'lease.refused'")


async def _lease_count(superuser: Superuser) -> int:
    count: int = await superuser.fetchval("SELECT count(*) FROM lease")
    return count


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
    assert await _lease_count(superuser) == 0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"by": EVIL}, Refusal.UNENROLLED),
        ({"runner": "runner-2"}, Refusal.FOREIGN_NAME),
        ({"agent_id": new_id()}, Refusal.NO_USE),
        ({"provider_id": new_id()}, Refusal.NO_USE),
        ({"issued_at": datetime.now(UTC) - timedelta(hours=1)}, Refusal.LATE),
        ({"issued_at": datetime.now(UTC) + timedelta(hours=1)}, Refusal.LATE),
    ],
)
async def test_a_lease_that_may_not_be_is_refused_without_a_reason(
    agent: Agent,
    superuser: Superuser,
    changes: dict[str, Any],
    reason: Refusal,
) -> None:
    with pytest.raises(LeaseRefusedError) as raised:
        await agent.lease(**changes)

    [refused] = await _refusals(superuser)
    assert raised.value.message == "This lease is refused."
    assert raised.value.details == {}
    assert json.loads(refused["details"]) == {
        "purpose": "agent",
        "agent_id": str(changes.get("agent_id", agent.id)),
        "reason": reason,
    }
    assert refused["object_id"] == changes.get("provider_id", agent.provider_id)
    assert refused["org_id"] == agent.runner.org_id
    assert await _lease_count(superuser) == 0


@pytest.mark.parametrize("seconds", [-20, 30])
async def test_a_clock_may_differ_by_half_a_minute(agent: Agent, seconds: int) -> None:
    issued_at = datetime.now(UTC) + timedelta(seconds=seconds)

    leased = await agent.lease(issued_at=issued_at)

    assert leased.provider_id == agent.provider_id


@pytest.mark.parametrize("seconds", [-31, 40])
async def test_a_clock_may_not_differ_by_more(agent: Agent, seconds: int) -> None:
    issued_at = datetime.now(UTC) + timedelta(seconds=seconds)

    with pytest.raises(LeaseRefusedError):
        await agent.lease(issued_at=issued_at)


async def _refused_as_forged(
    agent: Agent, superuser: Superuser, signed: Signed
) -> None:
    with pytest.raises(LeaseRefusedError):
        await agent.runner.ask(signed)

    [refused] = await _refusals(superuser)
    assert json.loads(refused["details"])["reason"] == Refusal.FORGED
    assert refused["actor_id"] == "unknown"


async def test_words_changed_after_signing_are_refused(
    agent: Agent, superuser: Superuser
) -> None:
    signed, evil = (agent.signed() for _ in range(2))

    await _refused_as_forged(
        agent, superuser, signed.model_copy(update={"body": evil.body})
    )


async def test_the_signature_of_another_under_an_enrolled_name_is_refused(
    agent: Agent, superuser: Superuser
) -> None:
    signed = agent.signed(by=EVIL)

    await _refused_as_forged(
        agent,
        superuser,
        signed.model_copy(update={"signer": agent.runner.identity.public.nkey}),
    )


@pytest.mark.parametrize("signature", [b"", b"short", bytes(64)])
async def test_a_signature_that_is_none_is_refused(
    agent: Agent,
    superuser: Superuser,
    signature: bytes,
) -> None:
    signed = agent.signed()

    await _refused_as_forged(
        agent, superuser, signed.model_copy(update={"signature": signature})
    )


async def test_a_signature_for_another_purpose_is_refused(
    agent: Agent, superuser: Superuser
) -> None:
    signed = agent.signed()
    words = signed_bytes(LEASE_REPLY_PURPOSE, signed.body)

    await _refused_as_forged(
        agent,
        superuser,
        signed.model_copy(update={"signature": agent.runner.identity.sign(words)}),
    )


async def test_words_that_cannot_be_read_are_refused(
    runner: Runner, superuser: Superuser
) -> None:
    question = ProviderQuestion(
        org_id=runner.org_id, actor=runner.actor, provider_id=new_id()
    )

    with pytest.raises(LeaseRefusedError):
        await runner.ask(sign(question, purpose=LEASE_PURPOSE, by=runner.identity))

    assert await _refusals(superuser) == []


async def test_a_request_serves_once(agent: Agent, superuser: Superuser) -> None:
    signed = agent.signed()
    await agent.runner.ask(signed)

    with pytest.raises(LeaseRefusedError):
        await agent.runner.ask(signed)

    [refused] = await _refusals(superuser)
    assert json.loads(refused["details"])["reason"] == Refusal.REPLAYED
    assert await _lease_count(superuser) == 1


async def test_a_request_put_many_times_at_once_serves_once(
    agent: Agent, superuser: Superuser
) -> None:
    signed = agent.signed()

    results = await asyncio.gather(
        *(agent.runner.ask(signed) for _ in range(10)), return_exceptions=True
    )

    refused = [each for each in results if isinstance(each, LeaseRefusedError)]
    assert len(refused) == 9
    assert await _lease_count(superuser) == 1


async def test_a_released_agent_gets_no_lease(agent: Agent) -> None:
    await agent.lease()
    await agent.runner.release(agent.id, generation=2)

    with pytest.raises(LeaseRefusedError):
        await agent.lease()


async def test_a_lease_waits_for_a_release_under_way_and_is_refused(
    agent: Agent, superuser: Superuser
) -> None:
    async with superuser.transaction():
        await superuser.execute("DELETE FROM use")
        leasing = asyncio.create_task(agent.lease())
        await until("a lease that waits", lambda: superuser.fetchval(_WAITING))

    with pytest.raises(LeaseRefusedError):
        await leasing


async def test_an_agent_gets_no_provider_of_another_organization(
    stranger: Operator, agent: Agent
) -> None:
    theirs = await stranger.create()

    with pytest.raises(LeaseRefusedError):
        await agent.lease(provider_id=theirs.id)
    with pytest.raises(LeaseRefusedError):
        await agent.lease(org_id=stranger.org_id)


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


async def test_the_gateway_can_ask_for_no_lease(
    gateway: NatsBus,
    agent: Agent,
    superuser: Superuser,
) -> None:
    impatient = replace(LEASE, deadline=timedelta(seconds=1))

    with pytest.raises(UnavailableError):
        await gateway.ask(impatient, agent.signed())

    assert await _lease_count(superuser) == 0
    assert (await agent.lease()).version == 1


async def test_metrics_can_ask_nothing(
    bus_as: BusAs, operator: Operator, agent: Agent
) -> None:
    impatient = replace(GET_PROVIDER, deadline=timedelta(seconds=1))
    question = ProviderQuestion(
        org_id=operator.org_id, actor=operator.actor, provider_id=agent.provider_id
    )

    async with bus_as(Service.METRICS) as metrics_bus:
        with pytest.raises(UnavailableError):
            await metrics_bus.ask(impatient, question)


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
        before = await _lease_count(superuser)
        clock.advance(LEASE_LIFETIME + timedelta(seconds=1))
        await leases.forget_expired()

    assert before == 1
    assert await _lease_count(superuser) == 0


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

    assert await _lease_count(superuser) == 0
    with pytest.raises(ProviderInUseError):
        await operator.delete(agent.provider_id)
    await agent.runner.release(agent.id, generation=2)
    await operator.delete(agent.provider_id)
