"""An operator whose client does what the API asks of one: try again, under one key."""

from http import HTTPStatus

import aiohttp

from ag2trust.operator import Answer, Operator
from ag2trust.waiting import until
from shared.ids import new_id

__all__ = ["PatientOperator"]

_STILL_RUNNING = "REQUEST_IN_PROGRESS"


class PatientOperator(Operator):
    """Whatever it asks is asked until somebody answers; a POST has one effect."""

    async def ask(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> Answer:
        if method == "POST":
            headers = {"Idempotency_Key": str(new_id())} | headers
        ask_once = super().ask
        return await until(
            f"an answer to {method} {path}",
            lambda: ask_once(method, path, body, **headers),
            lambda answer: not _says_to_ask_again(answer),
            not_yet=(aiohttp.ClientError, TimeoutError),
        )


def _says_to_ask_again(answer: Answer) -> bool:
    is_running = (
        answer.status == HTTPStatus.CONFLICT
        and answer.body["error_code"] == _STILL_RUNNING
    )
    return is_running or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR
