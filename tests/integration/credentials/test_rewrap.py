"""Every data key under a new master key, whatever the old one and the new one are."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from credentials.administration.freeze import Freeze
from credentials.administration.rewraps import Rewraps
from credentials.app import serving
from credentials.master_keys.ring import open_master_keys
from credentials.settings import Settings
from credentials.vault import Vault
from shared.contracts.master_key import RewrapStatus
from shared.database import connect_database
from shared.errors import (
    CredentialsFrozenError,
    CredentialWrongKeyError,
    JobNotFoundError,
    MasterKeyUnavailableError,
)
from shared.ids import new_id

from . import staging
from .fake_kms import FakeKms
from .rotation import QUICKLY, Rotation, key_id_of
from .speaking import Operator

pytestmark = pytest.mark.integration

STARTS_WITHIN_SECONDS = 60


@pytest.fixture
def from_file_to_aws(rotation: Rotation, aws_settings: Settings) -> Rotation:
    update = {
        "retired_master_key_files": (rotation.old.master_key_file,),
        "rewraps_per_second": QUICKLY,
    }
    return replace(rotation, new=aws_settings.model_copy(update=update))


@pytest.fixture
def within_aws(rotation: Rotation, aws_settings: Settings, kms: FakeKms) -> Rotation:
    """Name the key that KMS begins with as the retired one."""
    update = {
        "retired_master_key_arns": frozenset({kms.first_arn}),
        "rewraps_per_second": QUICKLY,
    }
    new = aws_settings.model_copy(update=update)
    return replace(rotation, old=aws_settings, new=new)


async def test_a_rewrap_brings_every_data_key_under_the_new_master_key(
    rotation: Rotation, stranger: Operator
) -> None:
    async with serving(rotation.old):
        agents = await rotation.agents(5)
        await stranger.create()
    rows = "SELECT * FROM credential_version ORDER BY org_id, provider_id"
    before = await rotation.superuser.fetch(rows)

    async with serving(rotation.new):
        assert await rotation.leased(agents) == [f"sk-{number}" for number in range(5)]
        started = await rotation.start()
        ended = await rotation.ended(started.id)

    after = await rotation.superuser.fetch(rows)
    assert (started.status, started.total) == (RewrapStatus.RUNNING, 6)
    assert ended.status is RewrapStatus.COMPLETED
    assert (ended.rewrapped, ended.unreadable, ended.remaining) == (6, 0, 0)
    assert ended.master_key_id == key_id_of(rotation.new)
    assert await rotation.master_keys() == {ended.master_key_id}
    for old, new in zip(before, after, strict=True):
        assert old["encrypted_dek"] != new["encrypted_dek"]
        assert old["encrypted_key"] == new["encrypted_key"]


async def test_after_it_the_old_key_is_refused_once_it_is_taken_out(
    rotation: Rotation,
) -> None:
    alone = rotation.new.model_copy(update={"retired_master_key_files": ()})
    async with serving(rotation.old):
        agents = await rotation.agents(2)
    async with serving(alone):
        with pytest.raises(CredentialWrongKeyError, match=key_id_of(rotation.old)):
            await agents[0].lease()

    async with serving(rotation.new):
        await rotation.done()

    async with serving(alone):
        assert await rotation.leased(agents) == ["sk-0", "sk-1"]
    async with serving(rotation.old):
        with pytest.raises(CredentialWrongKeyError, match=key_id_of(rotation.new)):
            await agents[0].lease()


async def test_a_staged_secret_comes_under_the_new_master_key_too(
    rotation: Rotation,
) -> None:
    alone = rotation.new.model_copy(update={"retired_master_key_files": ()})
    async with serving(rotation.old):
        [agent] = await rotation.agents(1)
        staged = staging.Rotation(rotation.operator, agent.provider_id)
        await staged.stage(api_key="sk-staged")

    async with serving(rotation.new):
        before = await rotation.state()
        ended = await rotation.done()

    async with serving(alone):
        await staged.switch()
        assert await rotation.leased([agent]) == ["sk-staged"]
    assert before.data_keys == {key_id_of(rotation.old): 2}
    assert (ended.rewrapped, ended.remaining) == (2, 0)


async def test_the_state_tells_what_is_still_under_the_old_key(
    rotation: Rotation,
) -> None:
    async with serving(rotation.old):
        await rotation.agents(2)

    async with serving(rotation.new):
        before = await rotation.state()
        ended = await rotation.done()
        after = await rotation.state()

    assert before.data_keys == {key_id_of(rotation.old): 2}
    assert before.master_key_id == ended.master_key_id
    assert after.data_keys == {ended.master_key_id: 2}
    assert after.rewrap == ended


async def test_every_replaced_data_key_is_in_the_audit_of_its_organization(
    rotation: Rotation, stranger: Operator
) -> None:
    async with serving(rotation.old):
        provider = await rotation.operator.create()
        await stranger.create()

    async with serving(rotation.new):
        ended = await rotation.done()

    rows = await rotation.superuser.fetch(
        "SELECT * FROM audit WHERE org_id = $1 ORDER BY position OFFSET 1",
        rotation.operator.org_id,
    )
    assert [(row["act"], row["actor_id"]) for row in rows] == [
        ("rewrap.started", "key-1"),
        ("credential.rewrapped", "credentials"),
        ("rewrap.completed", "credentials"),
    ]
    assert rows[1]["object_id"] == provider.id
    assert json.loads(rows[1]["details"]) == {
        "rewrap_id": str(ended.id),
        "credential_version": 1,
        "from": key_id_of(rotation.old),
        "to": ended.master_key_id,
    }
    replaced = await rotation.noted("credential.rewrapped")
    assert {row["org_id"] for row in replaced} == {
        rotation.operator.org_id,
        stranger.org_id,
    }


async def test_from_a_file_to_aws(
    from_file_to_aws: Rotation, kms: FakeKms, aws_settings: Settings
) -> None:
    rotation = from_file_to_aws
    async with serving(rotation.old):
        agents = await rotation.agents(3)

    async with serving(rotation.new):
        ended = await rotation.done()

    async with serving(aws_settings):
        assert await rotation.leased(agents) == ["sk-0", "sk-1", "sk-2"]
    assert ended.status is RewrapStatus.COMPLETED
    assert await rotation.master_keys() == {kms.first_arn}
    assert kms.asked.count("Encrypt") == 3


async def test_from_one_key_of_aws_to_another_without_seeing_a_data_key(
    within_aws: Rotation, kms: FakeKms
) -> None:
    rotation = within_aws
    async with serving(rotation.old):
        agents = await rotation.agents(3)
    second = kms.add_key()

    async with serving(rotation.new):
        kms.point(second)
        kms.asked.clear()
        ended = await rotation.done()
        asked = {*kms.asked}

    async with serving(rotation.old):
        assert await rotation.leased(agents) == ["sk-0", "sk-1", "sk-2"]
    assert ended.status is RewrapStatus.COMPLETED
    assert await rotation.master_keys() == {second}
    assert asked == {"DescribeKey", "ReEncrypt"}


async def test_a_rewrap_goes_on_where_kms_stopped_it(
    within_aws: Rotation, kms: FakeKms
) -> None:
    rotation = within_aws
    async with serving(rotation.old):
        await rotation.agents(3)
    kms.point(kms.add_key())
    async with serving(rotation.new):
        kms.trouble(kms.first_arn, "DisabledException")
        started = await rotation.start()
        async with asyncio.timeout(STARTS_WITHIN_SECONDS):
            while "ReEncrypt" not in kms.asked:
                await kms.arrivals.acquire()
        stopped = await rotation.get(started.id)

    kms.trouble(kms.first_arn, None)
    async with serving(rotation.new):
        ended = await rotation.ended(started.id)

    assert (stopped.status, stopped.rewrapped) == (RewrapStatus.RUNNING, 0)
    assert (ended.status, ended.rewrapped) == (RewrapStatus.COMPLETED, 3)


async def test_a_freeze_keeps_a_rewrap_waiting(rotation: Rotation) -> None:
    async with serving(rotation.old):
        await rotation.agents(2)

    async with serving(rotation.new):
        await rotation.freeze()
        started = await rotation.start()
        with pytest.raises(CredentialsFrozenError):
            await _advance(rotation.new)
        frozen = await rotation.get(started.id)
        await rotation.unfreeze()
        await _advance(rotation.new)
        ended = await rotation.ended(started.id)

    assert (frozen.status, frozen.rewrapped) == (RewrapStatus.RUNNING, 0)
    assert (ended.status, ended.rewrapped) == (RewrapStatus.COMPLETED, 2)


async def _advance(settings: Settings) -> None:
    """Do the work of a rewrap once, as the service does it again and again."""
    async with (
        open_master_keys(settings) as master_keys,
        connect_database(settings) as database,
    ):
        vault = Vault(master_keys, Freeze(database))
        await Rewraps(database, vault, per_second=QUICKLY).advance()


async def test_what_is_unreadable_is_named_and_the_rest_is_done(
    rotation: Rotation,
) -> None:
    async with serving(rotation.old):
        agents = await rotation.agents(3)
    await rotation.superuser.execute(
        """
        UPDATE credential_version
        SET encrypted_dek = set_byte(encrypted_dek, 20, get_byte(encrypted_dek, 20) # 1)
        WHERE provider_id = $1
        """,
        agents[1].provider_id,
    )

    async with serving(rotation.new):
        ended = await rotation.done()
        assert await rotation.leased([agents[0], agents[2]]) == ["sk-0", "sk-2"]
        await rotation.operator.update(agents[1].provider_id, api_key="sk-again")
        again = await rotation.done()

    assert ended.status is RewrapStatus.FAILED
    assert (ended.rewrapped, ended.unreadable, ended.remaining) == (2, 1, 1)
    assert (again.status, again.total) == (RewrapStatus.COMPLETED, 0)
    [row] = await rotation.noted("credential.not_rewrapped")
    assert row["object_id"] == agents[1].provider_id
    assert json.loads(row["details"])["code"] == "CREDENTIAL_TAMPERED"


async def test_while_one_runs_it_is_the_answer_to_another_start(
    rotation: Rotation,
) -> None:
    slow = rotation.new.model_copy(update={"rewraps_per_second": 1})
    async with serving(rotation.old):
        await rotation.agents(3)

    async with serving(slow):
        first = await rotation.start()
        second = await rotation.start()
    async with serving(rotation.new):
        ended = await rotation.ended(first.id)
        repeated = await rotation.start(first.id)

    assert second.id == first.id
    assert ended.rewrapped == 3
    assert repeated == ended


async def test_a_rewrap_towards_a_key_that_was_replaced_is_superseded(
    rotation: Rotation, tmp_path: Path
) -> None:
    third_key = tmp_path / "third.key"
    third_key.touch(mode=0o600)
    third_key.write_text("cd" * 32)
    update = {
        "master_key_file": third_key,
        "retired_master_key_files": (
            rotation.old.master_key_file,
            rotation.new.master_key_file,
        ),
    }
    third = rotation.new.model_copy(update=update)
    async with serving(rotation.old):
        agents = await rotation.agents(3)
    async with serving(rotation.new.model_copy(update={"rewraps_per_second": 1})):
        first = await rotation.start()

    async with serving(third):
        ended = await rotation.done()
        superseded = await rotation.get(first.id)
        assert await rotation.leased(agents) == ["sk-0", "sk-1", "sk-2"]

    assert superseded.status is RewrapStatus.SUPERSEDED
    assert ended.status is RewrapStatus.COMPLETED
    assert await rotation.master_keys() == {key_id_of(third)}


async def test_a_process_with_other_settings_leaves_the_rewrap_alone(
    rotation: Rotation,
) -> None:
    async with serving(rotation.old):
        await rotation.agents(2)
    async with serving(rotation.new.model_copy(update={"rewraps_per_second": 1})):
        started = await rotation.start()

    async with serving(rotation.old):
        left, again = [await rotation.get(started.id) for _ in range(2)]

    assert left == again
    assert left.status is RewrapStatus.RUNNING
    assert await rotation.noted("credential.not_rewrapped") == []


async def test_an_unknown_rewrap_is_not_found(rotation: Rotation) -> None:
    async with serving(rotation.old):
        with pytest.raises(JobNotFoundError):
            await rotation.get(new_id())


async def test_without_its_master_key_no_rewrap_is_started(
    within_aws: Rotation, kms: FakeKms
) -> None:
    kms.point("nowhere")

    async with serving(within_aws.new):
        with pytest.raises(MasterKeyUnavailableError):
            await within_aws.start()
