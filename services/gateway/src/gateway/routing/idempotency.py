"""`Idempotency-Key`: the same request, sent again, is answered and not done again."""

import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

import structlog
from aiohttp import hdrs, web

from gateway.access.authentication import principal_of
from gateway.repositories.idempotency import Claim, IdempotencyRepository
from shared.errors import (
    AppError,
    IdempotencyKeyReusedError,
    RequestInProgressError,
)
from shared.ids import new_id

from .operations import Operation
from .reading import invalid_headers

__all__ = ["IDEMPOTENCY_KEY", "KEPT_TEXT", "RENEWED_EVERY", "Idempotency"]

log = structlog.get_logger(__name__)

IDEMPOTENCY_KEY = "Idempotency-Key"
KEPT_TEXT = web.ResponseKey("kept_text", str)
"""What an answer says when it is given again: itself, without what is shown once."""

_USABLE_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_KEPT_HEADERS = (hdrs.LOCATION, hdrs.ETAG)
_TURN = timedelta(seconds=15)
RENEWED_EVERY = timedelta(seconds=5)

Answer = Callable[[UUID], Awaitable[web.StreamResponse]]


class Idempotency:
    """Does what a key was sent with once, whichever gateway hears it.

    A turn lasts for seconds and is renewed while the request is being answered, so
    that one whose gateway died may be tried again: with the id of the first try.
    """

    def __init__(self, repository: IdempotencyRepository) -> None:
        self._repository = repository
        self._in_turn: dict[UUID, Claim] = {}

    async def once(
        self, request: web.Request, operation: Operation, answer: Answer
    ) -> web.StreamResponse:
        """Answer, or give again what was answered.

        Raises `IdempotencyKeyReusedError` for the key of another request, and
        `RequestInProgressError` while the first is being answered.
        """
        claim = await _claim(request, operation)
        kept = await self._repository.claim(claim, lasting=_TURN)
        if kept.fingerprint != claim.fingerprint:
            raise IdempotencyKeyReusedError(
                "This Idempotency-Key came with another request before."
            )
        if kept.answer is not None:
            return _again(kept.answer)
        if kept.claim_id != claim.id:
            raise RequestInProgressError(
                "The first request with this Idempotency-Key is being answered."
            )
        return await self._answered(claim, kept.object_id, answer)

    async def stay_in_turn(self) -> None:
        """Renew the turns of what is being answered; call it `RENEWED_EVERY`."""
        for claim in list(self._in_turn.values()):
            await self._repository.renew(claim, lasting=_TURN)

    async def forget(self) -> None:
        """Delete what was kept for a day."""
        await self._repository.forget()

    async def _answered(
        self, claim: Claim, object_id: UUID, answer: Answer
    ) -> web.StreamResponse:
        self._in_turn[claim.id] = claim
        is_kept = False
        try:
            response = await answer(object_id)
            if isinstance(response, web.Response) and response.status < _FAILED:
                await self._repository.keep(claim, _kept(response))
                is_kept = True
            return response
        finally:
            del self._in_turn[claim.id]
            if not is_kept:
                await self._release(claim)

    async def _release(self, claim: Claim) -> None:
        """Let the next try begin at once; if that fails, it may soon."""
        try:
            await self._repository.release(claim)
        except AppError as error:
            log.warning("claim.not_released", reason=error.code)


async def _claim(request: web.Request, operation: Operation) -> Claim:
    """Read what is claimed; the key of the fingerprint is known to the caller alone."""
    key = request.headers[IDEMPOTENCY_KEY]
    if not _USABLE_KEY.fullmatch(key):
        raise invalid_headers(
            {IDEMPOTENCY_KEY: "must be 1 to 255 visible ASCII characters"}
        )
    who = principal_of(request)
    parts = dict(request.match_info)
    words = f"{operation.id} {parts} {request.query_string}\n".encode()
    return Claim(
        id=new_id(),
        org_id=who.org_id,
        key=_hash_of(who.kind, who.id, operation.id, key),
        fingerprint=hmac.digest(key.encode(), words + await request.read(), "sha256"),
        object_id=new_id(),
    )


def _hash_of(*parts: object) -> bytes:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).digest()


def _kept(response: web.Response) -> dict[str, Any]:
    headers = {
        name: value for name, value in response.headers.items() if name in _KEPT_HEADERS
    }
    text = response.get(KEPT_TEXT, response.text)
    return {"status": response.status, "headers": headers, "text": text}


def _again(answer: dict[str, Any]) -> web.Response:
    return web.Response(
        status=answer["status"],
        headers={**answer["headers"], "Idempotency-Replayed": "true"},
        text=answer["text"],
        content_type="application/json",
    )


_FAILED = HTTPStatus.BAD_REQUEST
