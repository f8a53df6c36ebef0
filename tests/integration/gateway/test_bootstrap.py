import asyncio
import hashlib
from contextlib import AsyncExitStack

import pytest

from gateway.app import serving
from gateway.settings import Settings

from .conftest import OWNER_KEY, Superuser

pytestmark = pytest.mark.integration


async def test_the_first_start_makes_one_organization_audited(
    settings: Settings, superuser: Superuser
) -> None:
    async with serving(settings):
        pass

    [organization] = await superuser.fetch("SELECT id, name FROM organization")
    [key] = await superuser.fetch("SELECT id, org_id, role, hash FROM api_key")
    audit = await superuser.fetch(
        """
        SELECT org_id, actor_kind, actor_id, object_kind, act, object_id
        FROM audit
        ORDER BY id
        """
    )
    assert organization["name"] == "default"
    assert (key["org_id"], key["role"]) == (organization["id"], "owner")
    assert key["hash"] == hashlib.sha256(OWNER_KEY.encode()).digest()
    by_us = (organization["id"], "service", "gateway")
    assert [tuple(row) for row in audit] == [
        (*by_us, "organization", "created", organization["id"]),
        (*by_us, "api_key", "created", key["id"]),
    ]


async def test_a_later_start_makes_nothing_whatever_key_it_has(
    settings: Settings, superuser: Superuser
) -> None:
    another = settings.model_copy(update={"bootstrap_key_hash": bytes(32)})
    async with serving(settings):
        pass

    async with serving(another):
        pass

    [hashed] = await superuser.fetch("SELECT hash FROM api_key")
    assert hashed["hash"] == settings.bootstrap_key_hash
    assert await superuser.fetchval("SELECT count(*) FROM organization") == 1


async def test_gateways_that_start_together_make_one_organization(
    settings: Settings, superuser: Superuser
) -> None:
    settings = settings.model_copy(update={"port": 0})

    async with AsyncExitStack() as stack:
        await asyncio.gather(
            *(stack.enter_async_context(serving(settings)) for _ in range(3))
        )

    assert await superuser.fetchval("SELECT count(*) FROM organization") == 1
    assert await superuser.fetchval("SELECT count(*) FROM api_key") == 1
