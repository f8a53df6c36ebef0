"""A gateway of a few lines that answers as it is told, and keeps what it was asked."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

__all__ = ["Asked", "Gateway", "json_answer", "refusal", "serving"]

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Asked:
    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: str


@dataclass
class Gateway:
    """Gives *answers* in their order; *url* is where."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(
            Asked(
                request.method,
                request.path,
                [*request.query.items()],
                dict(request.headers),
                await request.text(),
            )
        )
        return await self.answers.pop(0)(request)


@asynccontextmanager
async def serving(*answers: Answer) -> AsyncIterator[Gateway]:
    gateway = Gateway(answers=[*answers])
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", gateway.serve)
    async with TestServer(app) as server:
        gateway.url = str(server.make_url("")).rstrip("/")
        yield gateway


def json_answer(body: Any, status: int = 200, **headers: str) -> Answer:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(body, status=status, headers=headers)

    return answer


def refusal(
    status: int, code: str, sentence: str = "It cannot be.", **details: Any
) -> Answer:
    return json_answer(
        {
            "error": sentence,
            "error_code": code,
            "details": details,
            "request_id": "r-1",
        },
        status,
        **{"X-Request-Id": "r-1"},
    )
