"""The one-time link by which the first person of an installation comes in."""

import hashlib
import secrets
from dataclasses import dataclass, field
from http import HTTPStatus

import aiohttp

__all__ = ["FirstLogin"]

_TOKEN_BYTES = 32
_ANSWER_SECONDS = 10.0


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
        """Ask the gateway whether the first person is still to come."""
        timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS)
        url = f"{gateway_url}/api/invitations/inspect"
        async with (
            aiohttp.ClientSession(timeout=timeout) as http,
            http.post(url, json={"token": self.token}) as response,
        ):
            return response.status == HTTPStatus.OK
