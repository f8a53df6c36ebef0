"""An operator whose client does what the API asks of one: try again, under one key."""

import asyncio
from http import HTTPStatus

import aiohttp

from ag2trust.operator import Answer, Operator
from shared.ids import new_id

__all__ = ["PatientOperator"]

_PATIENCE_SECONDS = 60.0
_AGAIN_AFTER_SECONDS = 0.1
_STILL_RUNNING = "REQUEST_IN_PROGRESS"


class PatientOperator(Operator):
    """Whatever it asks is asked until somebody answers; a POST has one effect."""

    async def ask(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> Answer:
        if method == "POST":
            headers = {"Idempotency_Key": str(new_id())} | headers
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while True:
                answer = await self._tried(method, path, body, **headers)
                if answer is not None:
                    return answer
                await asyncio.sleep(_AGAIN_AFTER_SECONDS)

    async def _tried(
        self, method: str, path: str, body: object, **headers: str
    ) -> Answer | None:
        """Return no answer where it says to ask again, or nobody gives one."""
        try:
            answer = await super().ask(method, path, body, **headers)
        except (aiohttp.ClientError, TimeoutError):
            return None
        is_running = (
            answer.status == HTTPStatus.CONFLICT
            and answer.body["error_code"] == _STILL_RUNNING
        )
        if is_running or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return None
        return answer
