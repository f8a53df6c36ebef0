"""Organizations beside the first: what one has and is told, no other meets."""

import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import asyncpg

from ag2trust.answering import installed_home, postgres_of
from ag2trust.keys import kept_passwords
from ag2trust.launched import Place
from ag2trust.operator import Operator
from ag2trust.postgres import SUPERUSER
from ag2trust.provisioning import DATABASE
from shared.ids import new_id

from .whole import Whole

__all__ = ["superuser", "with_an_organization"]


@asynccontextmanager
async def with_an_organization(stack: Whole) -> AsyncIterator[Whole]:
    """Give *stack* to the owner of a new organization, whose agents stop at the end."""
    key = f"cust_{secrets.token_hex(20)}"
    await _add_organization(stack.place, key)
    async with aiohttp.ClientSession(
        base_url=stack.place.gateway_url, headers={"X-API-Key": key}
    ) as session:
        owned = replace(stack, operator=Operator(session), key=key)
        yield owned
        await _stop_agents(owned.operator)


@asynccontextmanager
async def superuser(
    place: Place,
) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Connect to the database of a stack that runs."""
    home = installed_home(place.home)
    password = kept_passwords(home)[SUPERUSER]
    connection = await asyncpg.connect(
        postgres_of(home).url(SUPERUSER, password, DATABASE)
    )
    try:
        yield connection
    finally:
        await connection.close()


async def _add_organization(place: Place, key: str) -> None:
    """Add one, and its owner's key; there is no route for that."""
    org_id = new_id()
    async with superuser(place) as connection:
        await connection.execute(
            """
            INSERT INTO gateway.organization (id, name, created_at)
            VALUES ($1, $2, now())
            """,
            org_id,
            str(org_id),
        )
        await connection.execute(
            """
            INSERT INTO gateway.api_key (id, org_id, name, role, hash, created_at)
            VALUES ($1, $2, 'owner', 'owner', $3, now())
            """,
            new_id(),
            org_id,
            hashlib.sha256(key.encode()).digest(),
        )


async def _stop_agents(operator: Operator) -> None:
    running = [
        f"/api/agents/{each['id']}"
        for each in await operator.all_of("/api/agents")
        if each["desired_state"] == "running"
    ]
    for agent in running:
        await operator.made(f"{agent}/stop")
    for agent in running:
        await operator.until(agent, status="stopped")
