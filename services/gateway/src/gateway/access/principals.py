"""Who asks."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from shared.contracts.base import Actor
from shared.errors import ForbiddenError

from .permissions import Permission, Role, permissions_of

__all__ = ["Principal"]


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller, and the organization it belongs to.

    *scopes* narrow what its role allows; None does not. *session_id* is the session
    of a person who has logged in.
    """

    org_id: UUID
    kind: Literal["api_key", "user"]
    id: UUID
    role: Role
    scopes: frozenset[Permission] | None = None
    session_id: UUID | None = None

    @property
    def actor(self) -> Actor:
        return Actor(kind=self.kind, id=str(self.id))

    @property
    def permissions(self) -> frozenset[Permission]:
        allowed = permissions_of(self.role)
        if self.scopes is None:
            return allowed
        return allowed & (self.scopes | {Permission.SELF})

    def require(self, permission: Permission) -> None:
        """Raise `ForbiddenError` for who does not have *permission*."""
        if permission not in permissions_of(self.role):
            raise ForbiddenError(
                f"This needs {permission}, which the role {self.role} does not have."
            )
        if permission not in self.permissions:
            raise ForbiddenError(
                f"This needs {permission}, which is not a scope of this key."
            )

    def require_all_of(self, permissions: Iterable[Permission]) -> None:
        """Raise `ForbiddenError` for who lacks one: none gives or ends more."""
        for permission in sorted(permissions):
            self.require(permission)

    def require_role(self, role: Role) -> None:
        """Raise `ForbiddenError` for who is less: none makes or ends its better."""
        if not self.role.includes(role):
            raise ForbiddenError(f"This needs the role {role}; yours is {self.role}.")
