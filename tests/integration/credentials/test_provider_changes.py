"""Providers that are changed: their configuration, and their secrets."""

import asyncio

import pytest

from shared.errors import (
    PreconditionFailedError,
    SecretRequiredError,
)

from .conftest import Superuser
from .speaking import Agent, Operator, Runner

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("service")]


async def test_a_patch_changes_what_it_names_and_counts_the_version(
    operator: Operator,
) -> None:
    created = await operator.create(use_case="support", labels={"team": "one"})

    changed = await operator.update(created.id, use_case=None, enabled=False)

    assert changed == await operator.get(created.id)
    assert changed == created.model_copy(
        update={
            "use_case": None,
            "enabled": False,
            "version": 2,
            "updated_at": changed.updated_at,
        }
    )
    assert changed.updated_at > created.updated_at


async def test_a_patch_that_changes_nothing_is_no_version(
    operator: Operator, superuser: Superuser
) -> None:
    created = await operator.create()

    assert await operator.update(created.id, name=created.name) == created
    assert await superuser.fetchval("SELECT count(*) FROM audit") == 1


async def test_a_change_of_another_version_than_the_callers_is_refused(
    operator: Operator,
) -> None:
    created = await operator.create()
    await operator.update(created.id, if_version=1, enabled=False)

    with pytest.raises(PreconditionFailedError, match="version 2"):
        await operator.update(created.id, if_version=1, enabled=True)

    assert not (await operator.get(created.id)).enabled


async def test_a_new_secret_overwrites_the_old_one(
    operator: Operator, superuser: Superuser
) -> None:
    created = await operator.create()
    old = await superuser.fetchrow("SELECT * FROM credential_version")

    changed = await operator.update(created.id, api_key="sk-test-two-0123456789-abcd")

    [new] = await superuser.fetch("SELECT * FROM credential_version")
    assert old is not None
    assert (changed.credential.version, changed.version) == (2, 2)
    assert changed.credential.hint == "…abcd"
    assert new["version"] == 2
    assert new["encrypted_key"] != old["encrypted_key"]
    assert new["encrypted_dek"] != old["encrypted_dek"]


async def test_secrets_replaced_at_once_have_a_version_each(
    operator: Operator, runner: Runner
) -> None:
    provider_id = (await operator.create()).id
    agent = Agent(runner, provider_id)
    await agent.claim()

    told = await asyncio.gather(
        *(operator.update(provider_id, api_key=f"sk-{each}") for each in range(8))
    )

    versions = {each.credential.version: key for key, each in enumerate(told)}
    assert sorted(versions) == [*range(2, 10)]
    leased = await agent.lease()
    assert leased.version == 9
    assert leased.fields["api_key"].get_secret_value() == f"sk-{versions[9]}"


@pytest.mark.parametrize(
    "base_url",
    [
        "https://evil.example/v1",
        "https://api.openai.com:8443/v1",
        "http://api.openai.com/v1",
    ],
)
async def test_another_origin_needs_the_secret_again(
    operator: Operator, base_url: str
) -> None:
    created = await operator.create()

    with pytest.raises(SecretRequiredError):
        await operator.update(created.id, base_url=base_url, name="Second")

    assert await operator.get(created.id) == created


async def test_another_path_of_the_same_origin_keeps_the_secret(
    operator: Operator, runner: Runner
) -> None:
    created = await operator.create()
    agent = Agent(runner, created.id)
    await agent.claim()

    await operator.update(created.id, base_url="https://api.openai.com/v2")

    leased = await agent.lease()
    assert leased.base_url == "https://api.openai.com/v2"
    assert leased.version == 1


async def test_another_origin_with_a_new_secret_is_taken(
    operator: Operator, runner: Runner
) -> None:
    created = await operator.create()
    agent = Agent(runner, created.id)
    await agent.claim()

    await operator.update(
        created.id, base_url="https://gateway.example/v1", api_key="sk-theirs"
    )

    leased = await agent.lease()
    assert leased.base_url == "https://gateway.example/v1"
    assert leased.fields["api_key"].get_secret_value() == "sk-theirs"
