"""`/models`: which models there are, what they cost, and which to take for a task."""

from datetime import date

import structlog
from pydantic import AwareDatetime, BaseModel

from gateway.access.permissions import Permission
from gateway.catalogue.catalogue import (
    Catalogue,
    CatalogueModel,
    Cost,
    Intelligence,
    ModelStatus,
    Speed,
    Table,
    Task,
    TaskId,
)
from gateway.routing.asked import Asked
from gateway.routing.operations import operation
from gateway.routing.reading import Input
from shared.bus import Bus
from shared.clock import Clock
from shared.contracts.credentials import ProviderType
from shared.contracts.metrics import QUOTE_PRICES
from shared.contracts.prices import (
    PriceQuote,
    PriceTier,
    QuotedModel,
    QuotesQuestion,
    TokenPrices,
    UnpricedReason,
)
from shared.errors import UnavailableError

__all__ = ["ModelRoutes"]

log = structlog.get_logger(__name__)


class ModelsQuery(Input):
    """Which models are wanted: for a task, of a provider type."""

    task: TaskId | None = None
    provider_type: ProviderType | None = None


class ModelView(BaseModel):
    """A model with what it costs now.

    *id* is what to name in an agent type. *speed*, *intelligence* and *cost* are ranks,
    None where nobody ranked it. Dollars are of a million tokens; None with
    *unpriced_reason*, or while nobody can be asked. *replaced_by* is the model that its
    provider, or we, would take instead.
    """

    id: str
    provider_type: ProviderType
    name: str
    family: str
    speed: Speed | None
    intelligence: Intelligence | None
    cost: Cost | None
    use_case: str | None
    best_for: str | None
    tasks: list[TaskId]
    regions: list[str] | None
    context_window: int | None
    max_output_tokens: int | None
    status: ModelStatus
    retires_on: date | None
    replaced_by: str | None
    usd_per_million_tokens: TokenPrices | None
    price_tiers: list[PriceTier]
    unpriced_reason: UnpricedReason | None


class TaskView(BaseModel):
    """A task of one of the two tables, with the *models* to take for it, best first.

    *first_models* are what the tables first named, also those that have ended.
    """

    id: TaskId
    table: Table
    title: str
    models: list[str]
    first_models: list[str]


class ModelCatalogue(BaseModel):
    """All models at once, those of today first; *priced_at* is None without prices."""

    data: list[ModelView]
    next_cursor: None
    tasks: list[TaskView]
    priced_at: AwareDatetime | None


class ModelRoutes:
    def __init__(self, bus: Bus, catalogue: Catalogue, *, now: Clock) -> None:
        self._bus = bus
        self._catalogue = catalogue
        self._now = now

    @operation("GET /models", needs=Permission.PROVIDERS_READ)
    async def list_models(self, asked: Asked, query: ModelsQuery) -> ModelCatalogue:
        """List the models there are, or those for a task or of a provider type.

        What a provider itself lists is at `/providers/{id}/models`.
        """
        wanted = [each for each in self._catalogue.models if self._fits(each, query)]
        quotes = await self._quotes(asked, wanted)
        today = self._now().date()
        views = [
            self._view(model, quotes.get((model.provider_type, model.id)), today)
            for model in wanted
        ]
        return ModelCatalogue(
            data=sorted(views, key=lambda view: list(ModelStatus).index(view.status)),
            next_cursor=None,
            tasks=[self._task_view(each, today) for each in self._catalogue.tasks],
            priced_at=next((quote.at for quote in quotes.values()), None),
        )

    def _fits(self, model: CatalogueModel, query: ModelsQuery) -> bool:
        if query.provider_type not in {None, model.provider_type}:
            return False
        return query.task is None or query.task in self._tasks_of(model)

    def _tasks_of(self, model: CatalogueModel) -> list[TaskId]:
        return [task.id for task in self._catalogue.tasks if task.suits(model)]

    async def _quotes(
        self, asked: Asked, models: list[CatalogueModel]
    ) -> dict[tuple[ProviderType, str], PriceQuote]:
        """Ask for prices; models are worth telling without them too."""
        question = QuotesQuestion(
            org_id=asked.org_id,
            actor=asked.actor,
            models=[
                QuotedModel(provider_type=each.provider_type, model=each.id)
                for each in models
            ],
        )
        try:
            quotes = await self._bus.ask(QUOTE_PRICES, question)
        except UnavailableError as error:
            log.info("catalogue.unpriced", reason=error.code)
            return {}
        return {(each.provider_type, each.model): each for each in quotes.data}

    def _view(
        self, model: CatalogueModel, quote: PriceQuote | None, today: date
    ) -> ModelView:
        window = quote.context_window if quote else None
        return ModelView(
            id=model.id,
            provider_type=model.provider_type,
            name=model.name,
            family=model.family,
            speed=model.speed,
            intelligence=model.intelligence,
            cost=model.cost,
            use_case=model.use_case,
            best_for=model.best_for,
            tasks=self._tasks_of(model),
            regions=model.regions,
            context_window=model.context_window or window,
            max_output_tokens=model.max_output_tokens,
            status=model.status(today),
            retires_on=model.retires_on,
            replaced_by=model.replaced_by,
            usd_per_million_tokens=quote.usd_per_million_tokens if quote else None,
            price_tiers=quote.tiers if quote else [],
            unpriced_reason=quote.unpriced_reason if quote else None,
        )

    def _task_view(self, task: Task, today: date) -> TaskView:
        """Put today's models first; what has ended is nothing to choose any more."""
        status = {each.id: each.status(today) for each in self._catalogue.models}
        left = [
            name
            for name in dict.fromkeys([*task.today, *task.first])
            if status[name] is not ModelStatus.RETIRED
        ]
        left.sort(key=lambda name: status[name] is ModelStatus.LEGACY)
        return TaskView(
            id=task.id,
            table=task.table,
            title=task.title,
            models=left,
            first_models=task.first,
        )
