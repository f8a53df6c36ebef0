"""A request as an operation sees it: who asks, about what, and a new object's id."""

from dataclasses import dataclass
from uuid import UUID

from aiohttp import web

from gateway.access.authentication import principal_of
from gateway.access.principals import Principal
from shared.contracts.base import Actor, PageQuestion

from .reading import PageQuery

__all__ = ["Asked"]


@dataclass(frozen=True, slots=True)
class Asked:
    """*http* is the request itself, for what is not JSON in and JSON out.

    *object_id* is the id in the path, None without one. *new_id* is the id of what the
    operation makes: make it with no other, so that the same request makes one thing.
    """

    http: web.Request
    object_id: UUID | None
    new_id: UUID

    @property
    def who(self) -> Principal:
        return principal_of(self.http)

    @property
    def org_id(self) -> UUID:
        return self.who.org_id

    @property
    def actor(self) -> Actor:
        return self.who.actor

    @property
    def id(self) -> UUID:
        """Return the id in the path; fails where the path has none."""
        if self.object_id is None:
            raise LookupError("The path of this operation has no id.")
        return self.object_id

    def page(self, query: PageQuery) -> PageQuestion:
        """Make the question for the page of a list that *query* names."""
        return PageQuestion(
            org_id=self.org_id,
            actor=self.actor,
            limit=query.limit,
            cursor=query.cursor,
        )
