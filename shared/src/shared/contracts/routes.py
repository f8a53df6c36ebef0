"""Where an agent type's calls may go: the fallbacks, and the residency of its data."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from .base import Message
from .credentials import ProviderType

__all__ = ["Fallback", "Residency"]

Model = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=256)
]
Place = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        to_lower=True,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$",
    ),
]


class Fallback(Message):
    """Who answers when those before it cannot, and with which model."""

    provider_id: UUID
    model: Model


class Residency(Message):
    """Where data may go; None is anywhere, and one of the two must be named.

    *regions* are AWS regions (`eu-central-1`), geographies (`eu`, `global`), and host
    names of base URLs whose place is known from their owner alone.
    """

    provider_types: list[ProviderType] | None = Field(
        default=None, min_length=1, max_length=3
    )
    regions: list[Place] | None = Field(default=None, min_length=1, max_length=50)

    @model_validator(mode="after")
    def _says_something(self) -> "Residency":
        if self.provider_types is None and self.regions is None:
            raise ValueError("name provider_types, regions or both")
        return self
