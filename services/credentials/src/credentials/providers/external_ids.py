"""What the trust policies of AWS roles ask of us: one id for each organization."""

import secrets
from uuid import UUID

from credentials.repositories.providers import external_id
from shared.database import Transaction

__all__ = ["external_id_of"]


async def external_id_of(transaction: Transaction, org_id: UUID) -> str:
    """Return the organization's external id, made if it had none."""
    fresh = f"ag2trust-{secrets.token_hex(16)}"
    return await external_id(transaction, org_id, fresh=fresh)
