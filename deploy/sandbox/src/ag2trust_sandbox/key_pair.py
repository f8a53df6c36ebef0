"""A key pair of AWS, for whoever signs requests."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

__all__ = ["EXAMPLE_KEY_PAIR", "KeyPair"]


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A session's pair has a token, and may expire; `expires_at` is aware."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None


EXAMPLE_KEY_PAIR: Final = KeyPair(
    access_key_id="AKIAIOSFODNN7EXAMPLE",
    secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",  # noqa: S106 - public
)
"""The pair in AWS's documentation. It opens nothing but a sandbox."""
