"""A sealed secret as the columns of a row hold it."""

import asyncpg

from credentials.envelope import SealedSecret

__all__ = ["sealed_secret_in"]


def sealed_secret_in(row: asyncpg.Record) -> SealedSecret:
    return SealedSecret(
        encrypted_key=row["encrypted_key"],
        encrypted_dek=row["encrypted_dek"],
        master_key_id=row["master_key_id"],
    )
