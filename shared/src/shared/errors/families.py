"""The families of failures: one for each status, and what all have in common."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Self

from pydantic import JsonValue

__all__ = [
    "AppError",
    "ConflictError",
    "ForbiddenError",
    "InvalidError",
    "LimitedError",
    "MalformedError",
    "MethodNotAllowedError",
    "NotFoundError",
    "PreconditionFailedError",
    "TooLargeError",
    "UnauthenticatedError",
    "UnavailableError",
    "UpstreamError",
]


class AppError(Exception):
    """A failure with a stable code, an HTTP status and one sentence for people.

    *details* is published with the error, so it holds nothing secret.
    *retry_after_seconds* becomes the `Retry-After` header of 429 and 503.
    """

    code: str = "INTERNAL_ERROR"
    status: HTTPStatus = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init__(
        self,
        message: str = "Something went wrong on our side.",
        *,
        details: Mapping[str, JsonValue] | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details: dict[str, JsonValue] = dict(details or {})
        self.retry_after_seconds = retry_after_seconds


class MalformedError(AppError):
    """The request cannot be read."""

    code = "MALFORMED_REQUEST"
    status = HTTPStatus.BAD_REQUEST


class UnauthenticatedError(AppError):
    """We do not know who asks."""

    code = "UNAUTHENTICATED"
    status = HTTPStatus.UNAUTHORIZED


class ForbiddenError(AppError):
    """We know who asks, and the answer is no."""

    code = "FORBIDDEN"
    status = HTTPStatus.FORBIDDEN


class NotFoundError(AppError):
    """No such thing, or not yours."""

    code = "NOT_FOUND"
    status = HTTPStatus.NOT_FOUND


class MethodNotAllowedError(AppError):
    code = "METHOD_NOT_ALLOWED"
    status = HTTPStatus.METHOD_NOT_ALLOWED


class ConflictError(AppError):
    """True a moment ago, or already done."""

    code = "CONFLICT"
    status = HTTPStatus.CONFLICT


class PreconditionFailedError(AppError):
    """The object is not the version that the caller has read (`If-Match`)."""

    code = "PRECONDITION_FAILED"
    status = HTTPStatus.PRECONDITION_FAILED


class TooLargeError(AppError):
    code = "REQUEST_TOO_LARGE"
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class InvalidError(AppError):
    """Readable, but not acceptable; `details.fields` says where."""

    code = "VALIDATION_FAILED"
    status = HTTPStatus.UNPROCESSABLE_ENTITY

    @classmethod
    def of_fields(cls, message: str, problems: Mapping[str, str]) -> Self:
        """Say of each field, by its name, what is wrong with it, not what was given."""
        fields: list[JsonValue] = [
            {"field": name, "message": problem} for name, problem in problems.items()
        ]
        return cls(message, details={"fields": fields})

    @classmethod
    def of_field(cls, field: str, problem: str) -> Self:
        """Say of one *field* what is wrong with it, as `is in the past`."""
        return cls.of_fields(f"The field {field} {problem}.", {field: problem})


class LimitedError(AppError):
    code = "RATE_LIMITED"
    status = HTTPStatus.TOO_MANY_REQUESTS


class UpstreamError(AppError):
    """A provider could not be reached, or did not answer as HTTP."""

    code = "UPSTREAM_UNREACHABLE"
    status = HTTPStatus.BAD_GATEWAY


class UnavailableError(AppError):
    """Try again later."""

    code = "SERVICE_UNAVAILABLE"
    status = HTTPStatus.SERVICE_UNAVAILABLE
