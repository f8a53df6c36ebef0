"""One question to STS for any number of askers, and fresh keys before the old end."""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

import pytest
from pydantic import SecretStr

from credentials.leases.role_sessions import Role, RoleSession, RoleSessions
from shared.errors import AppError, RoleRefusedError, StsUnavailableError
from shared.testing import FakeClock

ROLE = Role(
    org_id=UUID(int=1),
    provider_id=UUID(int=2),
    provider_name="Main",
    credential_version=1,
    arn="arn:aws:iam::123456789012:role/bedrock",
    region="us-east-1",
    external_id="ag2trust-1",
)
HOUR = timedelta(hours=1)


@dataclass
class CountingSts:
    """Gives numbered keys for *lifetime*, unless a failure was ordered."""

    clock: FakeClock
    lifetime: timedelta = HOUR
    asked: int = 0
    failures: deque[AppError] = field(default_factory=deque)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def assume(self, role: Role, source: Mapping[str, SecretStr]) -> RoleSession:
        del role, source
        self.asked += 1
        number, asked_at = self.asked, self.clock()
        await self.released.wait()
        if self.failures:
            raise self.failures.popleft()
        return RoleSession(
            secrets={"aws_access_key_id": SecretStr(f"ASIA{number}")},
            obtained_at=asked_at,
            expires_at=asked_at + self.lifetime,
        )


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sts(clock: FakeClock) -> CountingSts:
    sts = CountingSts(clock)
    sts.released.set()
    return sts


@pytest.fixture
def roles(sts: CountingSts, clock: FakeClock) -> RoleSessions:
    return RoleSessions(sts, now=clock)


async def _key(roles: RoleSessions, role: Role = ROLE) -> str:
    session = await roles.session(role, {})
    return session.secrets["aws_access_key_id"].get_secret_value()


async def test_a_thousand_askers_at_once_are_one_question(
    roles: RoleSessions, sts: CountingSts
) -> None:
    sts.released.clear()

    async with asyncio.TaskGroup() as group:
        asking = [group.create_task(_key(roles)) for _ in range(1000)]
        await asyncio.sleep(0)
        sts.released.set()

    assert {task.result() for task in asking} == {"ASIA1"}
    assert sts.asked == 1


async def test_a_failure_is_told_to_all_who_waited_and_asked_for_once(
    roles: RoleSessions, sts: CountingSts
) -> None:
    sts.released.clear()
    sts.failures.append(RoleRefusedError("No."))

    async with asyncio.TaskGroup() as group:
        asking = [
            group.create_task(asyncio.wait_for(_failure(roles), 5)) for _ in range(100)
        ]
        await asyncio.sleep(0)
        sts.released.set()

    assert {type(task.result()) for task in asking} == {RoleRefusedError}
    assert sts.asked == 1


async def _failure(roles: RoleSessions) -> AppError:
    with pytest.raises(AppError) as raised:
        await roles.session(ROLE, {})
    return raised.value


@pytest.mark.parametrize(
    ("lifetime", "lead"),
    [
        (HOUR, timedelta(minutes=15)),
        (timedelta(minutes=15), timedelta(minutes=5)),
        (timedelta(seconds=60), timedelta(seconds=20)),
    ],
)
async def test_keys_are_refreshed_a_while_before_they_end(
    sts: CountingSts, clock: FakeClock, lifetime: timedelta, lead: timedelta
) -> None:
    roles = RoleSessions(sts, now=clock)
    sts.lifetime = lifetime
    assert await _key(roles) == "ASIA1"

    clock.advance(lifetime - lead - timedelta(seconds=1))
    assert await _key(roles) == "ASIA1"
    clock.advance(timedelta(seconds=1))

    assert await _key(roles) == "ASIA2"


async def test_keys_that_cannot_be_refreshed_serve_until_they_end(
    roles: RoleSessions, sts: CountingSts, clock: FakeClock
) -> None:
    await _key(roles)
    clock.advance(timedelta(minutes=50))
    sts.failures += [StsUnavailableError("Away.")] * 2

    assert await _key(roles) == "ASIA1"
    clock.advance(timedelta(minutes=10))
    assert isinstance(await _failure(roles), StsUnavailableError)


async def test_a_failure_is_forgotten_after_some_seconds(
    roles: RoleSessions, sts: CountingSts, clock: FakeClock
) -> None:
    sts.failures.append(StsUnavailableError("Away."))
    await _failure(roles)

    clock.advance(timedelta(seconds=4))
    await _failure(roles)
    assert sts.asked == 1
    clock.advance(timedelta(seconds=1))

    assert await _key(roles) == "ASIA2"


async def test_a_clock_that_is_set_back_keeps_no_failure(
    roles: RoleSessions, sts: CountingSts, clock: FakeClock
) -> None:
    sts.failures.append(StsUnavailableError("not now"))
    with pytest.raises(StsUnavailableError):
        await roles.session(ROLE, {})

    clock.advance(-HOUR)

    assert (await roles.session(ROLE, {})).secrets


@pytest.mark.parametrize(
    "changed",
    [
        {"credential_version": 2},
        {"arn": "arn:aws:iam::123456789012:role/other"},
        {"region": "eu-west-1"},
    ],
)
async def test_a_changed_provider_begins_anew_at_once(
    roles: RoleSessions, sts: CountingSts, changed: dict[str, object]
) -> None:
    sts.failures.append(RoleRefusedError("No."))
    await _failure(roles)

    assert await _key(roles, replace(ROLE, **changed)) == "ASIA2"  # type: ignore[arg-type] # a table of fields


async def test_another_organization_shares_nothing(
    roles: RoleSessions, sts: CountingSts
) -> None:
    assert await _key(roles) == "ASIA1"
    assert await _key(roles, replace(ROLE, org_id=UUID(int=9))) == "ASIA2"
    assert await _key(roles) == "ASIA1"
    assert sts.asked == 2


async def test_whoever_waits_asks_itself_when_the_asker_was_cancelled(
    roles: RoleSessions, sts: CountingSts
) -> None:
    sts.released.clear()
    first = asyncio.create_task(_key(roles))
    second = asyncio.create_task(_key(roles))
    await asyncio.sleep(0)

    first.cancel()
    sts.released.set()

    assert await second == "ASIA2"
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_keys_are_not_in_the_representation_of_a_session(
    roles: RoleSessions,
) -> None:
    session = await roles.session(ROLE, {})

    assert "ASIA1" not in repr(session)


async def test_keys_that_have_ended_on_arrival_are_not_given(
    roles: RoleSessions, sts: CountingSts
) -> None:
    sts.lifetime = timedelta()

    assert isinstance(await _failure(roles), StsUnavailableError)
