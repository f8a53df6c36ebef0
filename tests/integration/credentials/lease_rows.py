"""What the record has of leases."""

import asyncpg

from .conftest import Superuser

__all__ = ["lease_count", "refusals"]


async def refusals(superuser: Superuser) -> list[asyncpg.Record]:
    return await superuser.fetch("SELECT * FROM audit WHERE act = 'lease.refused'")


async def lease_count(superuser: Superuser) -> int:
    count: int = await superuser.fetchval("SELECT count(*) FROM lease")
    return count
