"""What the gateway answers its neighbours on the bus."""

from shared.bus import Answer, answer
from shared.contracts.base import Empty
from shared.contracts.gateway import LIST_ORGANIZATIONS, Organizations

from .repositories.organizations import PostgresOrganizations

__all__ = ["answers"]


def answers(organizations: PostgresOrganizations) -> list[Answer]:
    async def list_organizations(_: Empty) -> Organizations:
        return Organizations(ids=await organizations.ids())

    return [answer(LIST_ORGANIZATIONS, list_organizations)]
