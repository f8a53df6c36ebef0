"""What a delivery carries so that its receiver knows whom it is from. Pure.

Standard Webhooks 1.0: `webhook-id`, `webhook-timestamp` in Unix seconds, and
`webhook-signature`, `v1,` and the base64 of HMAC-SHA256 over id, timestamp and body,
joined by dots, under the bytes that the secret `whsec_…` is the base64 of.
"""

import hmac
from base64 import b64decode, b64encode
from datetime import datetime
from uuid import UUID

from pydantic import SecretStr

__all__ = ["headers_of", "signature_of"]

_PREFIX = "whsec_"


def headers_of(
    delivery_id: UUID, body: bytes, *, secret: SecretStr, at: datetime
) -> dict[str, str]:
    """Sign one attempt; only the id is the same in the next."""
    message_id, timestamp = str(delivery_id), int(at.timestamp())
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature_of(message_id, timestamp, body, secret=secret),
    }


def signature_of(
    message_id: str, timestamp: int, body: bytes, *, secret: SecretStr
) -> str:
    key = b64decode(secret.get_secret_value().removeprefix(_PREFIX))
    words = f"{message_id}.{timestamp}.".encode() + body
    return f"v1,{b64encode(hmac.digest(key, words, 'sha256')).decode()}"
