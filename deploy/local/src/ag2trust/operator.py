"""What an operator does over HTTP, in words, for tests of the product from outside."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp

from .waiting import until

__all__ = ["Answer", "Operator"]

_LONGEST_PAGE = 200
_FIRST_PAUSE_SECONDS = 0.05  # each look is work for all services


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Any
    headers: dict[str, str]


class Operator:
    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def ask(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> Answer:
        """Put any question; in names of *headers* an underscore is a hyphen."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self._session.request(
            method, path, json=body, headers=named
        ) as response:
            parsed = await response.json() if response.content_length else None
            return Answer(response.status, parsed, dict(response.headers))

    async def made(self, path: str, body: object = None) -> dict[str, Any]:
        """POST, and insist on success."""
        made: dict[str, Any] = await self._insisted("POST", path, body)
        return made

    async def streamed(
        self, path: str, body: dict[str, Any]
    ) -> AsyncIterator[tuple[str, Any]]:
        """POST, and give each server-sent event as it comes: its name and its data."""
        async with self._session.post(path, json=body | {"stream": True}) as response:
            async for event in _events(response):
                yield event

    async def followed(self, path: str) -> AsyncGenerator[tuple[str, Any], None]:
        """GET a stream without an end, and give each event; close it to leave."""
        async with self._session.get(path) as response:
            async for event in _events(response):
                yield event

    async def all_of(self, path: str) -> list[dict[str, Any]]:
        """GET every page of a list, newest first; *path* has no query."""
        found: list[dict[str, Any]] = []
        query = f"?limit={_LONGEST_PAGE}"
        while True:
            page = await self._insisted("GET", path + query)
            found += page["data"]
            if page["next_cursor"] is None:
                return found
            query = f"?limit={_LONGEST_PAGE}&cursor={page['next_cursor']}"

    async def until(self, path: str, *, seconds: float = 60, **wanted: object) -> Any:
        """GET again and again until every wanted field has its value.

        Nobody listening, and errors, are no answer yet.
        """

        def holds(body: Any) -> bool:
            return all(body.get(name) == value for name, value in wanted.items())

        return await until(
            f"{path} with {wanted}",
            lambda: self._body_of(path),
            holds,
            seconds=seconds,
            first_pause=_FIRST_PAUSE_SECONDS,
            not_yet=aiohttp.ClientError,
        )

    async def running_agent(
        self,
        base_url: str,
        key: str,
        *,
        name: str = "ada",
        delivery: str = "environment",
        **of_type: object,
    ) -> dict[str, Any]:
        """Make a provider, a type and an agent, and wait until it runs."""
        provider = await self.made(
            "/api/providers",
            {"name": name, "type": "openai", "base_url": base_url, "api_key": key},
        )
        agent_type = await self.made(
            "/api/agent-types",
            {
                "name": name,
                "slug": name,
                "provider_id": provider["id"],
                "model": "sandbox-echo",
                "system_prompt": "You are helpful.",
                "credential_delivery": delivery,
                **of_type,
            },
        )
        agent = await self.made(
            "/api/agents",
            {"name": name, "agent_type_id": agent_type["id"], "start": True},
        )
        running: dict[str, Any] = await self.until(
            f"/api/agents/{agent['id']}", status="running"
        )
        return {
            "provider_id": provider["id"],
            "agent_type_id": agent_type["id"],
            "agent_id": running["id"],
        }

    async def _insisted(self, method: str, path: str, body: object = None) -> Any:
        answer = await self.ask(method, path, body)
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise AssertionError(f"{method} {path}: {answer.status} {answer.body}")
        return answer.body

    async def _body_of(self, path: str) -> Any:
        return (await self.ask("GET", path)).body


async def _events(response: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, Any]]:
    name = ""
    async for line in response.content:
        key, _, value = line.decode().rstrip("\n").partition(": ")
        if key == "event":
            name = value
        elif key == "data":
            yield name, json.loads(value)
