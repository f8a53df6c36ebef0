"""`/prices`: what models cost, by the book or an organization's own word."""

from http import HTTPStatus
from uuid import UUID

from pydantic import Field

from gateway.access.permissions import Permission
from gateway.periods import Timestamp
from gateway.routing.asked import Asked
from gateway.routing.operations import Reply, operation
from gateway.routing.reading import Input, PageQuery
from shared.bus import Bus
from shared.contracts.base import Instant
from shared.contracts.credentials import ProviderType
from shared.contracts.metrics import (
    DELETE_PRICE,
    GET_PRICE,
    GET_REPRICING,
    LIST_PRICES,
    PUT_PRICE,
    QUOTE_PRICE,
    REPRICE,
)
from shared.contracts.prices import (
    ModelName,
    PriceOverride,
    PriceOverrideSubmission,
    PriceQuestion,
    PriceQuote,
    Prices,
    PutPrice,
    QuoteQuestion,
    Reprice,
    Repricing,
    RepricingQuestion,
)
from shared.errors import PriceNotFoundError, RepricingNotFoundError

__all__ = ["PriceRoutes"]


class QuoteQuery(Input):
    """Whose price is wanted, now or at another time."""

    provider_type: ProviderType
    model: ModelName
    provider_id: UUID | None = None
    at: Timestamp | None = None


class RepriceOrder(Input):
    """The period whose calls are priced anew."""

    since: Instant = Field(alias="from")
    until: Instant = Field(alias="to")


class PriceRoutes:
    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    @operation("GET /prices", needs=Permission.PRICES_READ)
    async def list_prices(self, asked: Asked, query: PageQuery) -> Prices:
        """List the organization's own prices, newest first."""
        return await self._bus.ask(LIST_PRICES, asked.page(query))

    @operation("PUT /prices", needs=Permission.PRICES_WRITE)
    async def put_price(
        self, asked: Asked, body: PriceOverrideSubmission
    ) -> PriceOverride:
        """Set a price, for calls that are counted from now on.

        One of the same provider, model and beginning is replaced.
        """
        question = PutPrice(
            org_id=asked.org_id,
            actor=asked.actor,
            override_id=asked.new_id,
            submission=body,
        )
        return await self._bus.ask(PUT_PRICE, question)

    @operation("GET /prices/quote", needs=Permission.PRICES_READ)
    async def quote_price(self, asked: Asked, query: QuoteQuery) -> PriceQuote:
        """Show what a model costs by all that is known, or why nobody can say."""
        question = QuoteQuestion(
            org_id=asked.org_id, actor=asked.actor, **query.model_dump()
        )
        return await self._bus.ask(QUOTE_PRICE, question)

    @operation(
        "POST /prices/reprice",
        needs=Permission.PRICES_WRITE,
        status=HTTPStatus.ACCEPTED,
    )
    async def reprice(self, asked: Asked, body: RepriceOrder) -> Reply[Repricing]:
        """Price the calls of a period anew.

        `/prices/repricings/{id}` tells what has changed so far.
        """
        question = Reprice(
            org_id=asked.org_id,
            actor=asked.actor,
            repricing_id=asked.new_id,
            since=body.since,
            until=body.until,
        )
        repricing = await self._bus.ask(REPRICE, question)
        prices = asked.http.path.removesuffix("/reprice")
        return Reply(
            repricing, headers={"Location": f"{prices}/repricings/{repricing.id}"}
        )

    @operation(
        "GET /prices/repricings/{id}",
        needs=Permission.PRICES_READ,
        missing=RepricingNotFoundError,
    )
    async def get_repricing(self, asked: Asked) -> Repricing:
        """Show how far a repricing is, and what it has changed."""
        question = RepricingQuestion(
            org_id=asked.org_id, actor=asked.actor, repricing_id=asked.id
        )
        return await self._bus.ask(GET_REPRICING, question)

    @operation(
        "GET /prices/{id}", needs=Permission.PRICES_READ, missing=PriceNotFoundError
    )
    async def get_price(self, asked: Asked) -> PriceOverride:
        """Show one of the organization's own prices."""
        return await self._bus.ask(GET_PRICE, _question(asked))

    @operation(
        "DELETE /prices/{id}", needs=Permission.PRICES_WRITE, missing=PriceNotFoundError
    )
    async def delete_price(self, asked: Asked) -> None:
        """Remove one of the organization's own prices."""
        await self._bus.ask(DELETE_PRICE, _question(asked))


def _question(asked: Asked) -> PriceQuestion:
    return PriceQuestion(org_id=asked.org_id, actor=asked.actor, override_id=asked.id)
