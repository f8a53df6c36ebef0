"""What the gateway answers about organizations, and what gateways tell one another."""

from datetime import timedelta
from uuid import UUID

from .base import Empty, Endpoint, Message, Service, Signal

__all__ = ["ACCESS_CHANGED", "LIST_ORGANIZATIONS", "AccessChanged", "Organizations"]


class Organizations(Message):
    """All that there are, in no order."""

    ids: frozenset[UUID]


LIST_ORGANIZATIONS = Endpoint(
    "gateway.v1.list_organizations",
    Empty,
    Organizations,
    askers=frozenset({Service.METRICS}),
    deadline=timedelta(seconds=2),
)


class AccessChanged(Message):
    """A key was revoked, or a person's role, password or sessions changed."""

    principal_id: UUID


ACCESS_CHANGED = Signal(
    "gateway.v1.signals.access_changed",
    AccessChanged,
    sender=Service.GATEWAY,
    hearers=frozenset({Service.GATEWAY}),
)
