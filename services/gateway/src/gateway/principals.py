"""Who asks, and what that one may do."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal
from uuid import UUID

from shared.contracts.base import Actor
from shared.errors import ForbiddenError

__all__ = ["Principal", "Role"]


class Role(StrEnum):
    """What a principal may do; each may do all that those below it may."""

    OWNER = "owner"
    ADMIN = "admin"
    OPERATOR = "operator"
    VIEWER = "viewer"

    def includes(self, other: "Role") -> bool:
        ranked = list(Role)
        return ranked.index(self) <= ranked.index(other)


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller, and the organization it belongs to."""

    org_id: UUID
    kind: Literal["api_key"]
    id: UUID
    role: Role

    @property
    def actor(self) -> Actor:
        return Actor(kind=self.kind, id=str(self.id))

    def require(self, role: Role) -> None:
        """Raise `ForbiddenError` for who is less than *role*."""
        if not self.role.includes(role):
            raise ForbiddenError(f"This needs the role {role}; yours is {self.role}.")
