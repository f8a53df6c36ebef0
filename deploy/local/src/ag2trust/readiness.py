"""When the stack is ready: the gateway's `/readyz` says so, having asked the others."""

import asyncio

import aiohttp

from shared.timeouts import timeout

from .errors import ServerFailedError

__all__ = ["until_ready"]

_POLL_SECONDS = 0.05
_ANSWER_SECONDS = 5.0


async def until_ready(gateway_url: str, *, seconds: float) -> None:
    """Wait for a 200; raise `ServerFailedError` with the last answer otherwise."""
    heard = "nobody answered"
    patience = aiohttp.ClientTimeout(total=_ANSWER_SECONDS)
    try:
        async with (
            timeout(seconds),
            aiohttp.ClientSession(timeout=patience) as http,
        ):
            while True:
                heard = await _heard(http, f"{gateway_url}/readyz") or heard
                if heard == "ready":
                    return
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        raise ServerFailedError(
            f"The stack was not ready after {seconds:.0f} s: {heard}"
        ) from None


async def _heard(http: aiohttp.ClientSession, url: str) -> str | None:
    """Return `ready`, or what is not; None if nobody listens yet."""
    try:
        async with http.get(url) as response:
            return "ready" if response.ok else await response.text()
    except (aiohttp.ClientError, TimeoutError):
        return None
