"""Responses as they are asked for, whole or as a stream."""

import json
from typing import Any

from aiohttp import ClientSession
from openai import AsyncOpenAI
from openai.types.responses import Response, ResponseStreamEvent

from ag2trust_sandbox import Sandbox

__all__ = ["ask", "raw_stream", "streamed"]


async def ask(client: AsyncOpenAI, **options: Any) -> Response:
    answer: Response = await client.responses.create(
        model="gpt-5", input="Hello!", **options
    )
    return answer


async def streamed(client: AsyncOpenAI) -> list[ResponseStreamEvent]:
    stream = await client.responses.create(model="gpt-5", input="Hello!", stream=True)
    return [event async for event in stream]


async def raw_stream(sandbox: Sandbox) -> list[tuple[str, dict[str, Any]]]:
    """Return the name and the data of every event as they were sent."""
    async with (
        ClientSession(headers={"authorization": "Bearer sk-test"}) as session,
        session.post(
            f"{sandbox.base_url}/responses",
            json={"model": "gpt-5", "input": "Hello!", "stream": True},
        ) as response,
    ):
        *events, rest = (await response.text()).split("\n\n")
    assert rest == ""
    return [_parsed(event) for event in events]


def _parsed(event: str) -> tuple[str, dict[str, Any]]:
    name, data = event.split("\n")
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))
