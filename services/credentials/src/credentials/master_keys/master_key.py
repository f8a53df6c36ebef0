"""What a master key does: makes data keys, and wraps and unwraps them.

It is asynchronous because a key management service is asked over the network.
"""

from dataclasses import dataclass, field
from typing import Protocol

from credentials.envelope import Binding

__all__ = ["DataKey", "MasterKey", "WrappedKey"]


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key as it may be stored, and the id of the master key that wrapped it."""

    wrapped: bytes
    key_id: str


@dataclass(frozen=True, slots=True)
class DataKey:
    """A fresh data key (32 bytes), and the same as it may be stored."""

    plaintext: bytes = field(repr=False)
    stored: WrappedKey


class MasterKey(Protocol):
    """Wraps data keys, each bound to a context; never gives itself away.

    Everything raises `MasterKeyUnavailableError` when the key cannot be asked right
    now. What takes a wrapped key raises `CredentialWrongKeyError` when another master
    key wrapped it, and `CredentialTamperedError` when it or *context* was changed.
    """

    async def current_key_id(self) -> str:
        """Tell the id that what is wrapped now will carry."""
        ...

    async def generate_data_key(self, context: Binding) -> DataKey: ...

    async def wrap(self, data_key: bytes, context: Binding) -> WrappedKey: ...

    async def unwrap(self, wrapped: WrappedKey, context: Binding) -> bytes: ...

    async def rewrap(self, wrapped: WrappedKey, context: Binding) -> WrappedKey:
        """Wrap the same data key under the current key."""
        ...
