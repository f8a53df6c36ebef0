"""The one-time link by which the first person of an installation comes in."""

import asyncio
import hashlib
import secrets
from dataclasses import dataclass, field
from http import HTTPStatus

import aiohttp

__all__ = ["FirstLogin"]

_TOKEN_BYTES = 32
_ANSWER_SECONDS = 10.0
_PAUSE_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class FirstLogin:
    """A link of one run. The gateway has its hash, and heeds it until somebody came."""

    token: str = field(
        default_factory=lambda: secrets.token_urlsafe(_TOKEN_BYTES), repr=False
    )

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.token.encode()).hexdigest()

    def link(self, gateway_url: str) -> str:
        """Return the link; what stands behind `#` no browser sends, and no log has."""
        return f"{gateway_url}/welcome#{self.token}"

    async def is_open(self, gateway_url: str) -> bool:
        """Ask the gateway, until it answers, whether the first person is to come.

        It may have died a moment ago, and is started again then.
        """
        while True:
            status = await self._inspect(gateway_url)
            if status is not None and status < HTTPStatus.INTERNAL_SERVER_ERROR:
                return status == HTTPStatus.OK
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _inspect(self, gateway_url: str) -> int | None:
        """Return the status of the answer, or None without one."""
        timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS)
        url = f"{gateway_url}/api/invitations/inspect"
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as http,
                http.post(url, json={"token": self.token}) as response,
            ):
                return response.status
        except (aiohttp.ClientError, TimeoutError):
            return None
