"""Secrets in, sealed values out, and back: the envelope under the master key."""

import json
from collections.abc import Mapping

from pydantic import SecretStr

from .envelope import Context, SealedSecret, seal, unseal
from .master_key import MasterKey, WrappedKey

__all__ = ["Vault"]


class Vault:
    """Seals and opens the fields of a secret; keeps neither them nor their keys."""

    def __init__(self, master_key: MasterKey) -> None:
        self._master_key = master_key

    async def seal(
        self, fields: Mapping[str, SecretStr], context: Context
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
        self, secret: SealedSecret, context: Context
    ) -> dict[str, SecretStr]:
        """Open what was sealed for *context*.

        Raises `CredentialUnreadableError`, or `MasterKeyUnavailableError` if it is
        worth trying again.
        """
        wrapped = WrappedKey(secret.encrypted_dek, secret.master_key_id)
        data_key = await self._master_key.unwrap(wrapped, context)
        plain = unseal(secret.encrypted_key, data_key=data_key, context=context)
        return {name: SecretStr(value) for name, value in json.loads(plain).items()}
