"""`/prices`: what models cost, by the book or an organization's own word."""

from uuid import UUID

from aiohttp import web
from pydantic import AwareDatetime, Field

from gateway.authentication import principal_of
from gateway.periods import Timestamp
from gateway.principals import Principal, Role
from gateway.reading import Input, id_in_path, page_question, query_of
from shared.bus import Bus
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
    PriceOverrideSubmission,
    PriceQuestion,
    PutPrice,
    QuoteQuestion,
    Reprice,
    RepricingQuestion,
)
from shared.errors import PriceNotFoundError, RepricingNotFoundError
from shared.http import read_json, reply_json
from shared.ids import new_id

__all__ = ["PriceRoutes"]


class QuoteQuery(Input):
    """Whose price is wanted, now or at another time."""

    provider_type: ProviderType
    model: ModelName
    provider_id: UUID | None = None
    at: Timestamp | None = None


class RepriceOrder(Input):
    """The period whose calls are priced anew."""

    since: AwareDatetime = Field(alias="from")
    until: AwareDatetime = Field(alias="to")


class PriceRoutes:
    """Whoever may read sees prices; an admin changes them."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/prices", self._list),
            web.put("/prices", self._put),
            web.get("/prices/quote", self._quote),
            web.post("/prices/reprice", self._reprice),
            web.get("/prices/repricings/{id}", self._show_repricing),
            web.get("/prices/{id}", self._show),
            web.delete("/prices/{id}", self._delete),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        return reply_json(await self._bus.ask(LIST_PRICES, page_question(request)))

    async def _show(self, request: web.Request) -> web.Response:
        question = _question(request, principal_of(request))
        return reply_json(await self._bus.ask(GET_PRICE, question))

    async def _put(self, request: web.Request) -> web.Response:
        """Set a price; one of the same provider, model and beginning is replaced."""
        who = _admin(request)
        question = PutPrice(
            org_id=who.org_id,
            actor=who.actor,
            override_id=new_id(),
            submission=await read_json(request, PriceOverrideSubmission),
        )
        return reply_json(await self._bus.ask(PUT_PRICE, question))

    async def _delete(self, request: web.Request) -> web.Response:
        await self._bus.ask(DELETE_PRICE, _question(request, _admin(request)))
        return web.Response(status=204)

    async def _quote(self, request: web.Request) -> web.Response:
        who = principal_of(request)
        query = query_of(request, QuoteQuery)
        question = QuoteQuestion(
            org_id=who.org_id, actor=who.actor, **query.model_dump()
        )
        return reply_json(await self._bus.ask(QUOTE_PRICE, question))

    async def _reprice(self, request: web.Request) -> web.Response:
        """Order it; what it has changed so far stands where `Location` says."""
        who = _admin(request)
        order = await read_json(request, RepriceOrder)
        question = Reprice(
            org_id=who.org_id,
            actor=who.actor,
            repricing_id=new_id(),
            since=order.since,
            until=order.until,
        )
        repricing = await self._bus.ask(REPRICE, question)
        response = reply_json(repricing, status=202)
        prices = request.path.removesuffix("/reprice")
        response.headers["Location"] = f"{prices}/repricings/{repricing.id}"
        return response

    async def _show_repricing(self, request: web.Request) -> web.Response:
        who = principal_of(request)
        question = RepricingQuestion(
            org_id=who.org_id,
            actor=who.actor,
            repricing_id=id_in_path(request, RepricingNotFoundError),
        )
        return reply_json(await self._bus.ask(GET_REPRICING, question))


def _question(request: web.Request, who: Principal) -> PriceQuestion:
    return PriceQuestion(
        org_id=who.org_id,
        actor=who.actor,
        override_id=id_in_path(request, PriceNotFoundError),
    )


def _admin(request: web.Request) -> Principal:
    who = principal_of(request)
    who.require(Role.ADMIN)
    return who
