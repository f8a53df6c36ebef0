"""Ids, made by the application so that a retried question names the same object."""

from uuid import UUID

from uuid_utils.compat import uuid7

__all__ = ["new_id"]


def new_id() -> UUID:
    """Make a UUIDv7 (RFC 9562): random, yet sorting by time of making."""
    return uuid7()
