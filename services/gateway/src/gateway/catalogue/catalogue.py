"""The catalogue as it is written down, read once and checked."""

import tomllib
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from shared.contracts.credentials import ProviderType

__all__ = [
    "Catalogue",
    "CatalogueModel",
    "Cost",
    "Intelligence",
    "ModelStatus",
    "Speed",
    "Table",
    "Task",
    "TaskId",
    "catalogue",
]


class Speed(StrEnum):
    VERY_FAST = "very_fast"
    FAST = "fast"
    MEDIUM = "medium"


class Intelligence(StrEnum):
    GOOD = "good"
    HIGH = "high"
    VERY_HIGH = "very_high"


class Cost(StrEnum):
    """The tier of a model's price."""

    LOW = "$"
    MEDIUM = "$$"
    HIGH = "$$$"


class ModelStatus(StrEnum):
    """Whether a provider still has a model; `legacy` are those it wants replaced."""

    CURRENT = "current"
    LEGACY = "legacy"
    RETIRED = "retired"


class Table(StrEnum):
    """By what the two tables tell tasks apart."""

    PURPOSE = "purpose"
    COMPLEXITY = "complexity"


class TaskId(StrEnum):
    """What a model is wanted for: the rows of both tables, one after the other."""

    HIGH_VOLUME = "high_volume"
    GENERAL_PURPOSE = "general_purpose"
    COMPLEX_REASONING = "complex_reasoning"
    CODE_GENERATION = "code_generation"
    COST_SENSITIVE = "cost_sensitive"
    AWS_DATA_RESIDENCY = "aws_data_residency"
    SIMPLE_QUESTIONS = "simple_questions"
    CUSTOMER_SUPPORT = "customer_support"
    CODE_REVIEW = "code_review"
    COMPLEX_ANALYSIS = "complex_analysis"


class _Written(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CatalogueModel(_Written):
    """A model; *first* are those of the product's first tables.

    *regions* are the only ones that have it, None if many do. It ends at *retires_on*,
    or has ended on a day that nobody tells (*retired*).
    """

    id: str
    provider_type: ProviderType
    name: str
    family: str
    first: bool = False
    speed: Speed | None = None
    intelligence: Intelligence | None = None
    cost: Cost | None = None
    use_case: str | None = None
    best_for: str | None = None
    regions: list[str] | None = None
    context_window: int | None = None
    max_output_tokens: int | None = None
    legacy: bool = False
    retired: bool = False
    retires_on: date | None = None
    replaced_by: str | None = None

    def status(self, on: date) -> ModelStatus:
        if self.retired or (self.retires_on is not None and self.retires_on <= on):
            return ModelStatus.RETIRED
        return ModelStatus.LEGACY if self.legacy else ModelStatus.CURRENT


class Task(_Written):
    """What to take for a task: what the first tables say, and who took over."""

    id: TaskId
    table: Table
    title: str
    any_of: ProviderType | None = None
    first: list[str]
    today: list[str]

    def suits(self, model: CatalogueModel) -> bool:
        is_named = model.id in self.first or model.id in self.today
        return is_named or model.provider_type is self.any_of


class Catalogue(_Written):
    models: list[CatalogueModel]
    tasks: list[Task]

    @model_validator(mode="after")
    def _names_what_is_there(self) -> Self:
        known = {model.id for model in self.models}
        named = {
            *(each.replaced_by for each in self.models if each.replaced_by),
            *(name for task in self.tasks for name in (*task.first, *task.today)),
        }
        if unknown := named - known:
            raise ValueError(f"the catalogue names {sorted(unknown)}, which it lacks")
        if len(known) != len(self.models):
            raise ValueError("the catalogue has a model twice")
        return self


@cache
def catalogue() -> Catalogue:
    folder = files("gateway.catalogue")
    written = {
        name: tomllib.loads((folder / f"{name}.toml").read_text("utf-8"))[name]
        for name in ("models", "tasks")
    }
    return Catalogue.model_validate(written)
