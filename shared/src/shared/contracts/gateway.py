"""What gateways tell one another."""

from uuid import UUID

from .base import Message, Service, Signal

__all__ = ["ACCESS_CHANGED", "AccessChanged"]


class AccessChanged(Message):
    """A key was revoked, or a person's role, password or sessions changed."""

    principal_id: UUID


ACCESS_CHANGED = Signal(
    "gateway.v1.signals.access_changed",
    AccessChanged,
    sender=Service.GATEWAY,
    hearers=frozenset({Service.GATEWAY}),
)
