"""What every refusal of ours says beside its body, whatever the wire format."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from math import ceil
from typing import Any

from shared.errors import AppError, BudgetSpentError, LimitTooSmallError

from .provider_failures import ProviderFailedError
from .wire_format import Fields, Reply

__all__ = ["is_final", "json_reply"]

_SPENT = (BudgetSpentError, LimitTooSmallError)


def json_reply(
    error: AppError,
    body: Mapping[str, Any],
    *,
    request_id: str,
    status: int | None = None,
    more: Fields = (),
) -> Reply:
    """Answer *error* with *body*; *status* is its own unless the format needs another.

    `x-should-retry: false` says that trying again is useless, `retry-after` when to.
    """
    fields = [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"x-request-id", request_id.encode()),
        (b"x-ag2trust-error", error.code.encode()),
        *more,
    ]
    if error.retry_after_seconds is not None:
        seconds = max(1, ceil(error.retry_after_seconds))
        fields.append((b"retry-after", b"%d" % seconds))
    if is_final(error):
        fields.append((b"x-should-retry", b"false"))
    return Reply(status or int(error.status), fields, json.dumps(body).encode())


def is_final(error: AppError) -> bool:
    """Say whether trying again is useless."""
    if isinstance(error, ProviderFailedError):
        return not error.explanation.retryable
    if isinstance(error, _SPENT):
        return True
    is_for_later = error.status == HTTPStatus.TOO_MANY_REQUESTS
    return error.status < HTTPStatus.INTERNAL_SERVER_ERROR and not is_for_later
