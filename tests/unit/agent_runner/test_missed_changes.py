from uuid import UUID

import pytest

from agent_runner.external.shared_leases import SharedLeases
from agent_runner.missed_changes import MissedChanges
from shared.bus import answer
from shared.contracts.credentials import ProviderChanged
from shared.contracts.held_providers import (
    CHANGED_PROVIDERS,
    HELD_AT_MOST,
    ChangedProviders,
    HeldProvider,
    HeldProviders,
)
from shared.testing import FakeBus

from .external.objects import ORG, PROVIDER, FakeLeases, agent

ADA = agent(1)


class Record:
    """What credentials has: every provider in *version*."""

    def __init__(self) -> None:
        self.version = 0
        self.asked: list[list[HeldProvider]] = []

    async def changed(self, question: HeldProviders) -> ChangedProviders:
        self.asked.append(question.held)
        return ChangedProviders(
            changed=[
                ProviderChanged(org_id=each.org_id, provider_id=each.provider_id)
                for each in question.held
                if each.version != self.version
            ]
        )


@pytest.fixture
def record() -> Record:
    return Record()


@pytest.fixture
def shared() -> SharedLeases:
    leases = FakeLeases()
    return SharedLeases(leases, now=lambda: leases.now)  # type: ignore[arg-type]


@pytest.fixture
def missed(record: Record, shared: SharedLeases) -> MissedChanges:
    bus = FakeBus()
    bus.serve(answer(CHANGED_PROVIDERS, record.changed))
    return MissedChanges(bus=bus, held=shared.held, changed=shared.provider_changed)


async def test_a_change_that_no_signal_told_of_is_found(
    missed: MissedChanges, record: Record, shared: SharedLeases
) -> None:
    before = await shared.of(ADA)
    record.version += 1

    await missed.look()

    assert (await shared.of(ADA)).id != before.id


async def test_a_lease_of_what_has_not_changed_is_kept(
    missed: MissedChanges, record: Record, shared: SharedLeases
) -> None:
    before = await shared.of(ADA)

    await missed.look()

    assert (await shared.of(ADA)).id == before.id
    assert record.asked == [[HeldProvider(org_id=ORG, provider_id=PROVIDER, version=0)]]


async def test_who_holds_more_than_a_question_has_room_for_asks_several(
    missed: MissedChanges, record: Record, shared: SharedLeases
) -> None:
    for number in range(HELD_AT_MOST + 1):
        await shared.of(ADA, UUID(int=1000 + number))

    await missed.look()

    assert [len(each) for each in record.asked] == [HELD_AT_MOST, 1]
