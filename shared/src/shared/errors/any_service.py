"""Failures that any service may raise."""

from http import HTTPStatus

from .families import (
    ConflictError,
    MalformedError,
    TooLargeError,
    UnavailableError,
)

__all__ = [
    "DatabaseUnavailableError",
    "HeadTooLargeError",
    "MalformedJsonError",
    "NameTakenError",
]


class MalformedJsonError(MalformedError):
    code = "MALFORMED_JSON"


class NameTakenError(ConflictError):
    code = "NAME_TAKEN"


class HeadTooLargeError(TooLargeError):
    """The request line or the fields of a request are longer than is taken."""

    code = "HEAD_TOO_LARGE"
    status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE


class DatabaseUnavailableError(UnavailableError):
    code = "DATABASE_UNAVAILABLE"
