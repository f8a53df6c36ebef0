"""How people are told of over HTTP, and what they say of themselves."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import (
    AwareDatetime,
    BaseModel,
    Field,
    SecretStr,
    StringConstraints,
)

from gateway.access.permissions import Role
from gateway.repositories.users import User

__all__ = ["Email", "NewPassword", "PersonName", "UserView", "view_of"]

Email = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        to_lower=True,
        pattern=r"^[^@\s]+@[^@\s]+$",
        min_length=3,
        max_length=254,
    ),
]
NewPassword = Annotated[SecretStr, Field(min_length=12, max_length=256)]
PersonName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)
]


class UserView(BaseModel):
    """A person; `invited` until that one has come in."""

    id: UUID
    email: str
    name: str | None
    role: Role
    status: Literal["invited", "active", "disabled"]
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime
    last_login_at: AwareDatetime | None


def view_of(user: User) -> UserView:
    return UserView(
        id=user.id,
        email=user.email,
        name=user.name,
        role=user.role,
        status=_status_of(user),
        version=user.version,
        created_at=user.created_at,
        updated_at=user.updated_at,
        last_login_at=user.last_login_at,
    )


def _status_of(user: User) -> Literal["invited", "active", "disabled"]:
    if not user.is_enabled:
        return "disabled"
    return "active" if user.password_hash or user.last_login_at else "invited"
