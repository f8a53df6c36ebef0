"""Browsers with people before them, for tests over the real gateway."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

__all__ = ["Answer", "Browser", "browser", "joined"]

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Any
    headers: dict[str, str]


class Browser:
    """Keeps cookies, and sends the token with each change, as the dashboard does."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self.url = url
        self.csrf_token: str | None = None

    async def ask(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> Answer:
        """Put a question; in names of *headers* an underscore is a hyphen."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.csrf_token and "X-CSRF-Token" not in given:
            given["X-CSRF-Token"] = self.csrf_token
        async with self._session.request(
            method, self.url + path, json=body, headers=given
        ) as response:
            parsed = await response.json() if await response.read() else None
            return Answer(response.status, parsed, dict(response.headers))

    async def log_in(self, email: str, password: str = PASSWORD) -> Answer:
        answer = await self.ask(
            "POST", "/api/sessions", {"email": email, "password": password}
        )
        self._remember(answer)
        return answer

    async def accept(self, link: str, **fields: str) -> Answer:
        """Come in by a one-time link."""
        body = {"token": link.partition("#")[2], "password": PASSWORD, **fields}
        answer = await self.ask("POST", "/api/invitations/accept", body)
        self._remember(answer)
        return answer

    def _remember(self, answer: Answer) -> None:
        if answer.status < 300:
            self.csrf_token = answer.body["csrf_token"]


@asynccontextmanager
async def browser(url: str) -> AsyncIterator[Browser]:
    """Open a browser without any cookie."""
    jar = aiohttp.CookieJar(unsafe=True)  # of an IP address
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        yield Browser(session, url)


async def joined(
    admin: aiohttp.ClientSession, who: Browser, *, email: str, role: str
) -> dict[str, Any]:
    """Invite somebody, who comes in by the link; return the user."""
    async with admin.post("/api/users", json={"email": email, "role": role}) as told:
        invited = await told.json()
        assert told.status == 201, invited
    accepted = await who.accept(invited["invitation_link"])
    assert accepted.status == 201, accepted
    user: dict[str, Any] = accepted.body["user"]
    return user
