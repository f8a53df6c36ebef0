import asyncio
import json
from collections.abc import Awaitable
from http import HTTPStatus
from uuid import UUID

import asyncpg
import pytest

from shared.errors import (
    ProviderGoneError,
    ProviderInUseError,
    StaleGenerationError,
)
from shared.ids import new_id

from .conftest import Superuser
from .speaking import Operator, Runner

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("service")]

RACES = 200
MANY_RACES = 1_000
RACES_AT_ONCE = 40


async def _uses(superuser: Superuser) -> set[tuple[UUID, UUID]]:
    rows = await superuser.fetch("SELECT agent_id, provider_id FROM use")
    return {(row["agent_id"], row["provider_id"]) for row in rows}


async def test_a_claim_replaces_the_one_before_it(
    operator: Operator, runner: Runner, superuser: Superuser
) -> None:
    one, two, three = [(await operator.create(name)).id for name in "123"]
    agent_id = new_id()
    await runner.claim(agent_id, one, two, two, generation=1)
    await runner.claim(agent_id, two, three, generation=2)

    assert await _uses(superuser) == {(agent_id, two), (agent_id, three)}


async def test_a_repeated_claim_changes_nothing(
    operator: Operator, runner: Runner, superuser: Superuser
) -> None:
    one, two = [(await operator.create(name)).id for name in "12"]
    agent_id = new_id()
    await runner.claim(agent_id, one, generation=3)
    await runner.claim(agent_id, two, generation=3)

    assert await _uses(superuser) == {(agent_id, one)}
    claims = "SELECT count(*) FROM audit WHERE act = 'use.claimed'"
    assert await superuser.fetchval(claims) == 1


async def test_an_overtaken_claim_or_release_is_refused(
    operator: Operator, runner: Runner, superuser: Superuser
) -> None:
    provider_id, agent_id = (await operator.create()).id, new_id()
    await runner.claim(agent_id, provider_id, generation=5)

    with pytest.raises(StaleGenerationError):
        await runner.claim(agent_id, provider_id, generation=4)
    with pytest.raises(StaleGenerationError):
        await runner.release(agent_id, generation=4)

    assert await _uses(superuser) == {(agent_id, provider_id)}


async def test_a_claim_that_comes_after_its_release_is_refused(
    operator: Operator, runner: Runner, superuser: Superuser
) -> None:
    provider_id, agent_id = (await operator.create()).id, new_id()
    await runner.release(agent_id, generation=2)

    with pytest.raises(StaleGenerationError):
        await runner.claim(agent_id, provider_id, generation=1)

    assert await _uses(superuser) == set()


async def test_a_release_ends_every_use_and_may_be_repeated(
    operator: Operator, runner: Runner, superuser: Superuser
) -> None:
    one, two = [(await operator.create(name)).id for name in "12"]
    agent_id = new_id()
    await runner.claim(agent_id, one, two, generation=1)

    await runner.release(agent_id, generation=2)
    await runner.release(agent_id, generation=2)

    assert await _uses(superuser) == set()


async def test_a_claim_of_a_missing_provider_claims_nothing(
    operator: Operator, runner: Runner, superuser: Superuser
) -> None:
    provider_id, agent_id = (await operator.create()).id, new_id()

    with pytest.raises(ProviderGoneError) as raised:
        await runner.claim(agent_id, provider_id, new_id(), generation=1)

    assert raised.value.code == "PROVIDER_NOT_FOUND"
    assert raised.value.status == HTTPStatus.CONFLICT
    assert await _uses(superuser) == set()
    await runner.claim(agent_id, provider_id, generation=1)
    assert await _uses(superuser) == {(agent_id, provider_id)}


async def test_an_agent_claims_no_provider_of_another_organization(
    stranger: Operator, runner: Runner
) -> None:
    theirs = await stranger.create()

    with pytest.raises(ProviderGoneError):
        await runner.claim(new_id(), theirs.id)


async def test_claims_and_releases_are_in_the_audit(
    operator: Operator, runner: Runner, superuser: Superuser
) -> None:
    provider_id, agent_id = (await operator.create()).id, new_id()
    await runner.claim(agent_id, provider_id, generation=1)
    await runner.release(agent_id, generation=2)

    rows = await superuser.fetch(
        "SELECT * FROM audit WHERE object_kind = 'agent' ORDER BY id"
    )
    assert [row["act"] for row in rows] == ["use.claimed", "use.released"]
    assert str(provider_id) in rows[0]["details"]
    for row in rows:
        assert (row["actor_kind"], row["actor_id"]) == ("service", "runner-1")
        assert row["object_id"] == agent_id


async def test_an_agent_that_is_tried_again_fills_no_audit(
    operator: Operator, runner: Runner, superuser: Superuser
) -> None:
    one, two = [(await operator.create(name)).id for name in "12"]
    agent_id = new_id()
    for generation in range(1, 6):
        await runner.claim(agent_id, one, generation=generation)
    await runner.claim(agent_id, one, two, generation=6)

    rows = await superuser.fetch(
        "SELECT details FROM audit WHERE act = 'use.claimed' ORDER BY id"
    )
    generations = [json.loads(row["details"])["generation"] for row in rows]
    assert generations == [1, 6]


async def test_the_database_itself_keeps_a_provider_in_use(
    operator: Operator, runner: Runner, superuser: Superuser
) -> None:
    provider_id = (await operator.create()).id
    await runner.claim(new_id(), provider_id)

    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await superuser.execute("DELETE FROM provider WHERE id = $1", provider_id)


@pytest.mark.parametrize(
    "races", [RACES, pytest.param(MANY_RACES, marks=pytest.mark.torture)]
)
async def test_of_a_claim_and_a_deletion_at_once_one_succeeds(
    operator: Operator, runner: Runner, superuser: Superuser, races: int
) -> None:
    successes = await _races(operator, runner, races)

    assert successes == [1] * races
    assert await _orphans(superuser) == 0
    kept = await superuser.fetchval("SELECT count(*) FROM provider")
    assert kept == await superuser.fetchval("SELECT count(*) FROM use")
    assert 0 < kept < races


async def test_without_the_foreign_key_agents_would_use_deleted_providers(
    operator: Operator, runner: Runner, superuser: Superuser
) -> None:
    await superuser.execute(
        "ALTER TABLE use DROP CONSTRAINT use_org_id_provider_id_fkey"
    )

    successes = await _races(operator, runner, RACES)

    assert 2 in successes
    assert await _orphans(superuser) > 0


async def _races(operator: Operator, runner: Runner, count: int) -> list[int]:
    """Claim and delete new providers at once; how many of the two succeeded, each."""
    successes: list[int] = []
    for first in range(0, count, RACES_AT_ONCE):
        numbers = range(first, first + RACES_AT_ONCE)
        successes += await asyncio.gather(
            *(_race(operator, runner, number) for number in numbers)
        )
    return successes


async def _race(operator: Operator, runner: Runner, number: int) -> int:
    """Let claim and deletion be first by turns."""
    provider_id = (await operator.create(f"Number {number}")).id
    acts = [
        _succeeds(runner.claim(new_id(), provider_id)),
        _succeeds(operator.delete(provider_id)),
    ]
    if number % 2:
        acts.reverse()
    return sum(await asyncio.gather(*acts))


async def _succeeds(act: Awaitable[object]) -> bool:
    try:
        await act
    except (ProviderGoneError, ProviderInUseError):
        return False
    return True


async def _orphans(superuser: Superuser) -> int:
    """Count the uses of providers that are not there."""
    orphans: int = await superuser.fetchval(
        """
        SELECT count(*)
        FROM use u
        LEFT JOIN provider p ON p.org_id = u.org_id AND p.id = u.provider_id
        WHERE p.id IS NULL
        """
    )
    return orphans
