"""Leases that are refused, and what is noted of why."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.integration.lock_waits import until_blocked

from ag2trust.testing import BusAs
from credentials.leases.lease_requests import Refusal
from shared.bus import NatsBus
from shared.contracts.base import Service, Signed
from shared.contracts.credentials import (
    GET_PROVIDER,
    LEASE,
    LEASE_PURPOSE,
    LEASE_REPLY_PURPOSE,
    ProviderQuestion,
)
from shared.errors import LeaseRefusedError, UnavailableError
from shared.identity import Identity
from shared.ids import new_id
from shared.signing import sign, signed_bytes

from .conftest import Superuser
from .lease_rows import lease_count, refusals
from .speaking import Agent, Operator, Runner

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("service")]

EVIL = Identity(b"e" * 32)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"by": EVIL}, Refusal.UNENROLLED),
        ({"runner": "runner-2"}, Refusal.FOREIGN_NAME),
        ({"agent_id": new_id()}, Refusal.NO_USE),
        ({"provider_id": new_id()}, Refusal.NO_USE),
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

    [refused] = await refusals(superuser)
    assert raised.value.message == "This lease is refused."
    assert raised.value.details == {}
    assert json.loads(refused["details"]) == {
        "purpose": "agent",
        "agent_id": str(changes.get("agent_id", agent.id)),
        "reason": reason,
    }
    assert refused["object_id"] == changes.get("provider_id", agent.provider_id)
    assert refused["org_id"] == agent.runner.org_id
    assert await lease_count(superuser) == 0


@pytest.mark.parametrize("seconds", [-20, 30])
async def test_a_clock_may_differ_by_half_a_minute(agent: Agent, seconds: int) -> None:
    issued_at = datetime.now(UTC) + timedelta(seconds=seconds)

    leased = await agent.lease(issued_at=issued_at)

    assert leased.provider_id == agent.provider_id


@pytest.mark.parametrize("seconds", [-31, 40])
async def test_whose_clock_differs_by_more_is_told_so_and_given_nothing(
    agent: Agent, superuser: Superuser, seconds: int
) -> None:
    issued_at = datetime.now(UTC) + timedelta(seconds=seconds)

    with pytest.raises(UnavailableError, match="clocks"):
        await agent.lease(issued_at=issued_at)

    [refused] = await refusals(superuser)
    assert json.loads(refused["details"])["reason"] == Refusal.LATE
    assert await lease_count(superuser) == 0


async def _refused_as_forged(
    agent: Agent, superuser: Superuser, signed: Signed
) -> None:
    with pytest.raises(LeaseRefusedError):
        await agent.runner.ask(signed)

    [refused] = await refusals(superuser)
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

    assert await refusals(superuser) == []


async def test_a_request_serves_once(agent: Agent, superuser: Superuser) -> None:
    signed = agent.signed()
    await agent.runner.ask(signed)

    with pytest.raises(LeaseRefusedError):
        await agent.runner.ask(signed)

    [refused] = await refusals(superuser)
    assert json.loads(refused["details"])["reason"] == Refusal.REPLAYED
    assert await lease_count(superuser) == 1


async def test_a_request_put_many_times_at_once_serves_once(
    agent: Agent, superuser: Superuser
) -> None:
    signed = agent.signed()

    results = await asyncio.gather(
        *(agent.runner.ask(signed) for _ in range(10)), return_exceptions=True
    )

    refused = [each for each in results if isinstance(each, LeaseRefusedError)]
    assert len(refused) == 9
    assert await lease_count(superuser) == 1


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
        await until_blocked(superuser, "credentials")

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


async def test_the_gateway_can_ask_for_no_lease(
    gateway: NatsBus,
    agent: Agent,
    superuser: Superuser,
) -> None:
    impatient = replace(LEASE, deadline=timedelta(seconds=1))

    with pytest.raises(UnavailableError):
        await gateway.ask(impatient, agent.signed())

    assert await lease_count(superuser) == 0
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
