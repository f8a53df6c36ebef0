"""Commands as they are typed, with a key and a gateway of the test's."""

import asyncio

from click.testing import CliRunner, Result
from tests.unit.client.gateway import Gateway

from ag2trust.__main__ import main

__all__ = ["run"]


async def run(
    gateway: Gateway, *arguments: str, given: str | bytes | None = None
) -> Result:
    return await asyncio.to_thread(
        CliRunner().invoke,
        main,
        [*arguments, "--url", gateway.url],
        input=given,
        env={"AG2TRUST_API_KEY": "cust_" + "k" * 40},
    )
