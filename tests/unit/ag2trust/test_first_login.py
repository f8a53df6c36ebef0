"""The link of the first person, and a gateway that is away when it is asked."""

import asyncio
from contextlib import suppress
from http import HTTPStatus

import pytest
from aiohttp import web

from ag2trust.first_login import FirstLogin
from ag2trust.ports import free_port


async def serve(port: int, status: HTTPStatus) -> web.AppRunner:
    async def inspect(request: web.Request) -> web.Response:
        return web.json_response(await request.json(), status=status)

    application = web.Application()
    application.router.add_post("/api/invitations/inspect", inspect)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner


@pytest.mark.parametrize(
    ("status", "is_open"), [(HTTPStatus.OK, True), (HTTPStatus.NOT_FOUND, False)]
)
async def test_the_gateway_says_whether_the_link_is_open(
    status: HTTPStatus, *, is_open: bool
) -> None:
    port = free_port()
    gateway = await serve(port, status)

    assert await FirstLogin().is_open(f"http://127.0.0.1:{port}") is is_open

    await gateway.cleanup()


async def test_a_gateway_that_is_away_is_asked_until_it_is_back() -> None:
    port = free_port()
    asking = asyncio.create_task(FirstLogin().is_open(f"http://127.0.0.1:{port}"))
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(asking), 0.3)
    assert not asking.done()

    gateway = await serve(port, HTTPStatus.OK)

    assert await asyncio.wait_for(asking, 30)
    await gateway.cleanup()
