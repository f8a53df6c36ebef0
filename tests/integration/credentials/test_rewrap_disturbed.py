"""A rewrap that is killed, repeated and overtaken; and what would happen unguarded."""

import asyncio
import json
import random
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from ag2trust.testing import Stack
from ag2trust.waiting import until
from credentials.app import serving
from credentials.repositories.rewraps import (
    Job,
    WrappedRow,
    put_data_key,
    rows_under_other_keys,
)
from credentials.verify_audit import verified
from shared.contracts.base import Service
from shared.contracts.master_key import RewrapStatus
from shared.database import Database, connect_database
from shared.errors import CredentialUnreadableError
from shared.ids import new_id

from .rotation import Rotation, key_id_of
from .speaking import Agent

pytestmark = pytest.mark.integration

STARTED_WITHIN_SECONDS = 60
SOONER_THAN_THE_NEXT_SECONDS = 0.01


async def test_credentials_updated_meanwhile_stay_as_updated(
    rotation: Rotation,
) -> None:
    async def update(agent: Agent) -> str:
        secrets = [f"sk-{agent.provider_id}-{number}" for number in range(4)]
        for secret in secrets:
            await rotation.operator.update(agent.provider_id, api_key=secret)
        return secrets[-1]

    async with serving(rotation.old):
        agents = await rotation.agents(12)

    async with serving(rotation.new.model_copy(update={"rewraps_per_second": 200})):
        started = await rotation.start()
        updated = await asyncio.gather(*(update(agent) for agent in agents))
        ended = await rotation.ended(started.id)
        leased = await rotation.leased(agents)

    assert ended.status is RewrapStatus.COMPLETED
    assert leased == updated
    assert await rotation.master_keys() == {ended.master_key_id}


@dataclass
class Overtaken:
    """A row as a rewrap read it, of a credential that was updated since."""

    agent: Agent
    job: Job
    row: WrappedRow
    database: Database


@pytest_asyncio.fixture
async def overtaken(rotation: Rotation) -> AsyncIterator[Overtaken]:
    async with serving(rotation.old):
        [agent] = await rotation.agents(1)
    async with serving(rotation.new), connect_database(rotation.new) as database:
        job = Job(new_id(), rotation.operator.org_id, key_id_of(rotation.new))
        async with database.sweep() as transaction:
            [row] = await rows_under_other_keys(transaction, job, limit=9)
        await rotation.operator.update(agent.provider_id, api_key="sk-updated")
        yield Overtaken(agent, job, row, database)


async def test_a_row_that_changed_since_it_was_read_is_not_replaced(
    rotation: Rotation, overtaken: Overtaken
) -> None:
    org_id = rotation.operator.org_id
    async with overtaken.database.organization(org_id) as transaction:
        replaced = await put_data_key(
            transaction, overtaken.job, overtaken.row, overtaken.row.secret
        )

    assert not replaced
    assert await rotation.leased([overtaken.agent]) == ["sk-updated"]


async def test_without_comparing_it_would_destroy_the_update(
    rotation: Rotation, overtaken: Overtaken
) -> None:
    await rotation.superuser.execute(
        "UPDATE credential_version SET encrypted_dek = $1, master_key_id = $2",
        overtaken.row.secret.encrypted_dek,
        overtaken.row.secret.master_key_id,
    )

    with pytest.raises(CredentialUnreadableError):
        await overtaken.agent.lease()


async def test_two_processes_at_once_replace_every_data_key_once(
    rotation: Rotation,
) -> None:
    async with serving(rotation.old):
        agents = await rotation.agents(30)

    async with serving(rotation.new), serving(rotation.new):
        started = await asyncio.gather(*(rotation.start() for _ in range(4)))
        ended = await rotation.ended(started[0].id)
        leased = await rotation.leased(agents)

    assert len({each.id for each in started}) == 1
    assert (ended.status, ended.rewrapped) == (RewrapStatus.COMPLETED, 30)
    assert leased == [f"sk-{number}" for number in range(30)]
    assert len(await rotation.noted("credential.rewrapped")) == 30


async def test_killed_again_and_again_it_ends_as_if_it_had_not_been(
    rotation: Rotation, stack: Stack
) -> None:
    environment = _environment(rotation, stack)
    chance = random.Random(4)  # noqa: S311 - the same points in every run
    async with serving(rotation.old):
        agents = await rotation.agents(120)

    for _ in range(5):
        await _run_and_kill(rotation, environment, after=chance.randint(1, 15))
    done = await _rewrapped(rotation)
    async with serving(rotation.new), connect_database(rotation.new) as database:
        ended = await rotation.done()
        leased = await rotation.leased(agents)
        audit = await verified(database, [])

    assert done is not None
    assert 5 <= done < 120
    assert ended.status is RewrapStatus.COMPLETED
    assert (ended.rewrapped, ended.total) == (120, 120)
    assert leased == [f"sk-{number}" for number in range(120)]
    assert await rotation.master_keys() == {ended.master_key_id}
    assert len(await rotation.noted("credential.rewrapped")) == 120
    assert audit == {rotation.operator.org_id: []}


def _environment(rotation: Rotation, stack: Stack) -> dict[str, str]:
    return stack.environment(
        Service.CREDENTIALS,
        AG2TRUST_CREDENTIALS_MASTER_KEY_FILE=str(rotation.new.master_key_file),
        AG2TRUST_CREDENTIALS_RETIRED_MASTER_KEY_FILES=json.dumps(
            [str(rotation.old.master_key_file)]
        ),
        AG2TRUST_CREDENTIALS_REWRAPS_PER_SECOND="10",
    )


async def _run_and_kill(
    rotation: Rotation, environment: dict[str, str], *, after: int
) -> None:
    """Run the service, and kill it once it has rewrapped *after* more, or all."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "credentials", env=environment, stderr=PIPE
    )
    try:
        async with asyncio.timeout(STARTED_WITHIN_SECONDS):
            await _started(process)
        await rotation.start()
        target = (await _rewrapped(rotation) or 0) + after
        await until(
            f"{target} rewrapped, or the end",
            lambda: _rewrapped(rotation),
            lambda done: done is None or done >= target,
            longest_pause=SOONER_THAN_THE_NEXT_SECONDS,
        )
    finally:
        process.kill()
        await process.communicate()


async def _started(process: asyncio.subprocess.Process) -> None:
    assert process.stderr is not None
    async for line in process.stderr:
        if json.loads(line)["event"] == "service.started":
            return


async def _rewrapped(rotation: Rotation) -> int | None:
    """Count what the running rewrap has done; None once it has ended."""
    count: int | None = await rotation.superuser.fetchval(
        "SELECT rewrapped FROM rewrap WHERE status = 'running'"
    )
    return count
