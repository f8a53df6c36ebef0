import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from agent_runner.external.shared_leases import SharedLeases
from shared.contracts.credentials import ProviderChanged
from shared.errors import (
    CredentialsMissingError,
    LeaseRefusedError,
    UnavailableError,
)

from .objects import ORG, PROVIDER, FakeLeases, agent

ADA, BOB = agent(1), agent(2)
CHANGED = ProviderChanged(org_id=ORG, provider_id=PROVIDER)


@pytest.fixture
def leases() -> FakeLeases:
    return FakeLeases()


@pytest.fixture
def shared(leases: FakeLeases) -> SharedLeases:
    return SharedLeases(leases, now=lambda: leases.now)  # type: ignore[arg-type]


async def test_agents_of_one_provider_share_a_lease(
    shared: SharedLeases, leases: FakeLeases
) -> None:
    got = await asyncio.gather(*(shared.of(each) for each in [ADA, BOB] * 10))

    assert leases.asked_by == [ADA.id]
    assert len({each.id for each in got}) == 1


async def test_another_provider_is_another_lease(
    shared: SharedLeases, leases: FakeLeases
) -> None:
    await shared.of(ADA)
    await shared.of(agent(2, provider_id=UUID(int=9)))

    assert len(leases.asked_by) == 2


async def test_a_lease_is_asked_for_again_at_half_its_life_by_who_calls(
    shared: SharedLeases, leases: FakeLeases
) -> None:
    await shared.of(ADA)
    leases.now += timedelta(minutes=29)
    await shared.of(BOB)
    before = list(leases.asked_by)
    leases.now += timedelta(minutes=2)
    await shared.of(BOB)

    assert before == [ADA.id]
    assert leases.asked_by == [ADA.id, BOB.id]


async def test_a_changed_provider_is_asked_for_at_the_next_call(
    shared: SharedLeases,
) -> None:
    first = await shared.of(ADA)
    shared.provider_changed(CHANGED)

    assert (await shared.of(ADA)).id != first.id


async def test_a_changed_provider_is_asked_for_again_when_a_caller_left(
    shared: SharedLeases, leases: FakeLeases
) -> None:
    first = await shared.of(ADA)
    shared.provider_changed(CHANGED)
    leases.trouble = asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError):
        await shared.of(ADA)
    leases.trouble = None

    assert (await shared.of(ADA)).id != first.id


async def test_a_lease_is_kept_while_nobody_answers_and_not_asked_for_at_every_call(
    shared: SharedLeases, leases: FakeLeases
) -> None:
    first = await shared.of(ADA)
    leases.trouble = UnavailableError("Away.")
    leases.now += timedelta(hours=2)

    kept = [await shared.of(ADA) for _ in range(10)]
    asked = len(leases.asked_by)
    leases.now += timedelta(seconds=16)
    await shared.of(ADA)

    assert {each.id for each in kept} == {first.id}
    assert asked == 2
    assert len(leases.asked_by) == 3


async def test_a_clock_that_is_set_back_keeps_no_stale_lease(
    shared: SharedLeases, leases: FakeLeases
) -> None:
    first = await shared.of(ADA)
    shared.provider_changed(CHANGED)
    leases.trouble = UnavailableError("Away.")
    await shared.of(ADA)
    leases.trouble = None

    leases.now -= timedelta(hours=1)

    assert (await shared.of(ADA)).id != first.id


@pytest.mark.parametrize("refusal", [LeaseRefusedError, CredentialsMissingError])
async def test_a_lease_that_is_refused_is_given_up(
    shared: SharedLeases, leases: FakeLeases, refusal: type[Exception]
) -> None:
    await shared.of(ADA)
    leases.trouble = refusal("No.")
    shared.provider_changed(CHANGED)

    for _ in range(2):
        with pytest.raises(refusal):
            await shared.of(ADA)


async def test_without_a_lease_an_absence_is_told(
    shared: SharedLeases, leases: FakeLeases
) -> None:
    leases.trouble = UnavailableError("Away.")

    with pytest.raises(UnavailableError):
        await shared.of(ADA)


async def test_a_lease_that_nobody_uses_for_an_hour_is_forgotten(
    shared: SharedLeases, leases: FakeLeases
) -> None:
    await shared.of(ADA)
    leases.now += timedelta(minutes=59)
    await shared._forget_unused()
    kept = len(shared._shared)
    leases.now += timedelta(minutes=2)
    await shared._forget_unused()

    assert kept == 1
    assert shared._shared == {}
