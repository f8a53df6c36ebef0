"""Where a request has its key."""

from collections.abc import Mapping

__all__ = ["bearer_key"]


def bearer_key(headers: Mapping[str, str]) -> str | None:
    """Give the key after `Authorization: Bearer`; None if there is none."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key if scheme.lower() == "bearer" and key else None
