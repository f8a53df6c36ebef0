"""Keys in PostgreSQL: who is first, who waits, who takes over, what is forgotten."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio
from tests.integration.lock_waits import until_blocked

from gateway.repositories.idempotency import Claim, PostgresIdempotency
from gateway.settings import Settings
from shared.database import connect_database
from shared.ids import new_id
from shared.migrations import migrate

from .conftest import Superuser

pytestmark = pytest.mark.integration

LONG = timedelta(minutes=5)
OVER = timedelta(0)
ANSWER = {"status": 201, "headers": {}, "text": '{"name": "\\u0000"}'}


@pytest_asyncio.fixture
async def repository(settings: Settings) -> AsyncIterator[PostgresIdempotency]:
    await migrate(settings, "gateway.migrations")
    async with connect_database(settings) as database:
        yield PostgresIdempotency(database)


def claim() -> Claim:
    return Claim(
        id=new_id(),
        org_id=new_id(),
        key=new_id().bytes * 2,
        fingerprint=new_id().bytes * 2,
        object_id=new_id(),
    )


def again(first: Claim) -> Claim:
    return replace(first, id=new_id(), object_id=new_id())


async def test_of_those_who_come_at_once_one_has_the_turn(
    repository: PostgresIdempotency,
) -> None:
    first = claim()
    claims = [first, *(again(first) for _ in range(9))]

    kept = await asyncio.gather(
        *(repository.claim(each, lasting=LONG) for each in claims)
    )

    assert len({each.claim_id for each in kept}) == 1
    assert len({each.object_id for each in kept}) == 1


async def test_what_was_answered_is_kept(repository: PostgresIdempotency) -> None:
    first = claim()
    await repository.claim(first, lasting=LONG)
    await repository.keep(first, ANSWER)

    kept = await repository.claim(again(first), lasting=LONG)

    assert kept.answer == ANSWER


async def test_a_turn_that_ended_without_an_answer_is_taken_with_the_first_id(
    repository: PostgresIdempotency,
) -> None:
    dead, released = claim(), claim()
    await repository.claim(dead, lasting=OVER)
    await repository.claim(released, lasting=LONG)
    await repository.release(released)

    for first in (dead, released):
        second = again(first)
        kept = await repository.claim(second, lasting=LONG)

        assert kept.claim_id == second.id
        assert kept.object_id == first.object_id


async def test_a_turn_that_is_renewed_is_not_taken(
    repository: PostgresIdempotency,
) -> None:
    first = claim()
    await repository.claim(first, lasting=OVER)
    await repository.renew(first, lasting=LONG)

    kept = await repository.claim(again(first), lasting=LONG)

    assert kept.claim_id == first.id


async def test_who_lost_its_turn_changes_nothing_any_more(
    repository: PostgresIdempotency,
) -> None:
    first = claim()
    await repository.claim(first, lasting=OVER)
    second = again(first)
    await repository.claim(second, lasting=LONG)

    await repository.keep(first, ANSWER)
    await repository.release(first)
    kept = await repository.claim(again(first), lasting=LONG)

    assert (kept.claim_id, kept.answer) == (second.id, None)


async def test_another_request_does_not_take_a_turn(
    repository: PostgresIdempotency,
) -> None:
    first = claim()
    await repository.claim(first, lasting=OVER)

    kept = await repository.claim(
        replace(again(first), fingerprint=bytes(32)), lasting=LONG
    )

    assert (kept.claim_id, kept.fingerprint) == (first.id, first.fingerprint)


async def test_a_key_is_free_again_after_a_day(
    repository: PostgresIdempotency, superuser: Superuser
) -> None:
    yesterdays, todays = claim(), claim()
    for each in (yesterdays, todays):
        await repository.claim(each, lasting=LONG)
        await repository.keep(each, ANSWER)
    await superuser.execute(
        "UPDATE idempotency_key SET created_at = now() - interval '24 hours' "
        "WHERE id = $1",
        yesterdays.key,
    )

    new = replace(again(yesterdays), fingerprint=bytes(32))
    kept = await repository.claim(new, lasting=LONG)
    await repository.forget()

    assert (kept.claim_id, kept.object_id) == (new.id, new.object_id)
    ids = await superuser.fetch("SELECT id FROM idempotency_key")
    assert {row["id"] for row in ids} == {yesterdays.key, todays.key}


async def test_old_keys_are_deleted(
    repository: PostgresIdempotency, superuser: Superuser
) -> None:
    await repository.claim(claim(), lasting=LONG)
    await superuser.execute(
        "UPDATE idempotency_key SET created_at = now() - interval '25 hours'"
    )

    await repository.forget()

    assert await superuser.fetchval("SELECT count(*) FROM idempotency_key") == 0


async def test_a_key_that_is_forgotten_while_it_is_claimed_is_claimed_anew(
    repository: PostgresIdempotency, superuser: Superuser
) -> None:
    """The sweep may come between any two statements of a claim."""
    first = claim()
    await repository.claim(first, lasting=OVER)
    second = again(first)

    async with asyncio.TaskGroup() as group, superuser.transaction():
        await superuser.execute("SELECT FROM idempotency_key FOR UPDATE")
        claiming = group.create_task(repository.claim(second, lasting=LONG))
        await until_blocked(superuser, "gateway")
        await superuser.execute("DELETE FROM idempotency_key")

    assert claiming.result().claim_id == second.id
