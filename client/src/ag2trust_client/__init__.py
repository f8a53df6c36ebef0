"""A typed client of Ag2Trust's HTTP API."""

from .client import Answer, Client, Delta, Event, Lines, Restart, StreamedMessage, every
from .errors import (
    Ag2TrustError,
    ConflictError,
    FailedError,
    ForbiddenError,
    InvalidError,
    LimitedError,
    MalformedError,
    NotFoundError,
    RefusedError,
    StaleError,
    UnauthenticatedError,
    UnavailableError,
    UnexpectedAnswerError,
    UnreachableError,
)

__all__ = [
    "Ag2TrustError",
    "Answer",
    "Client",
    "ConflictError",
    "Delta",
    "Event",
    "FailedError",
    "ForbiddenError",
    "InvalidError",
    "LimitedError",
    "Lines",
    "MalformedError",
    "NotFoundError",
    "RefusedError",
    "Restart",
    "StaleError",
    "StreamedMessage",
    "UnauthenticatedError",
    "UnavailableError",
    "UnexpectedAnswerError",
    "UnreachableError",
    "every",
]
