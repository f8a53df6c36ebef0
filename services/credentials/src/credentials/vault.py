"""Secrets in, sealed values out, and back: the envelope under the master key."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from pydantic import SecretStr

from .envelope import Binding, SealedSecret, seal, unseal
from .master_keys.master_key import MasterKey, WrappedKey

__all__ = ["Gate", "Vault"]


class Gate(Protocol):
    """What every opening has to pass."""

    async def require_open(self) -> None:
        """Raise `CredentialsFrozenError` while nothing may be opened."""
        ...


class Vault:
    """Seals and opens the fields of a secret; keeps neither them nor their keys.

    Whatever is opened passes *gate*, before the master key is asked and again before it
    is handed out: what was asked before a freeze does not come out after it.
    """

    def __init__(self, master_key: MasterKey, gate: Gate) -> None:
        self._master_key = master_key
        self._gate = gate

    async def current_key_id(self) -> str:
        """Tell which master key seals now. Raises `MasterKeyUnavailableError`."""
        return await self._master_key.current_key_id()

    async def seal(
        self, fields: Mapping[str, SecretStr], context: Binding
    ) -> SealedSecret:
        """Seal *fields* by name under a new data key."""
        data_key = await self._master_key.generate_data_key(context)
        plain = {name: secret.get_secret_value() for name, secret in fields.items()}
        return SealedSecret(
            encrypted_key=seal(
                json.dumps(plain).encode(),
                data_key=data_key.plaintext,
                context=context,
            ),
            encrypted_dek=data_key.stored.wrapped,
            master_key_id=data_key.stored.key_id,
        )

    async def open(
        self, secret: SealedSecret, context: Binding
    ) -> dict[str, SecretStr]:
        """Open what was sealed for *context*.

        Raises `CredentialUnreadableError`, `CredentialsFrozenError`, or
        `MasterKeyUnavailableError` if it is worth trying again.
        """
        await self._gate.require_open()
        data_key = await self._master_key.unwrap(_wrapped(secret), context)
        plain = unseal(secret.encrypted_key, data_key=data_key, context=context)
        await self._gate.require_open()
        return {name: SecretStr(value) for name, value in json.loads(plain).items()}

    async def rewrap(self, secret: SealedSecret, context: Binding) -> SealedSecret:
        """Bring the data key under the current master key; raises as `open` does.

        The secret itself is not opened, and stays as it is.
        """
        await self._gate.require_open()
        again = await self._master_key.rewrap(_wrapped(secret), context)
        return replace(secret, encrypted_dek=again.wrapped, master_key_id=again.key_id)


def _wrapped(secret: SealedSecret) -> WrappedKey:
    return WrappedKey(secret.encrypted_dek, secret.master_key_id)
