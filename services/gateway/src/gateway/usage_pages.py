"""Usage as HTTP tells it apart: in each row, the key by the name of what it is."""

from typing import Generic, Self, TypeVar

from pydantic import BaseModel

from shared.contracts.base import Page
from shared.contracts.usage import (
    Dimension,
    OfPeriod,
    UsageFigures,
    UsageSummary,
    UsageTable,
)

__all__ = [
    "NAMES",
    "UsageErrors",
    "UsageOfAgent",
    "UsageOfAgentType",
    "UsageOfLabel",
    "UsageOfModel",
    "UsageOfProvider",
    "UsageOfProviderType",
    "UsageOfStatus",
    "UsageOfUseCase",
    "UsagePage",
]

NAMES = {
    Dimension.AGENT: "agent_id",
    Dimension.AGENT_TYPE: "agent_type_id",
    Dimension.PROVIDER: "provider_id",
    Dimension.PROVIDER_TYPE: "provider_type",
    Dimension.MODEL: "model",
    Dimension.USE_CASE: "use_case",
    Dimension.LABEL: "label",
    Dimension.STATUS: "status",
}
"""What the key of a dimension is called, in rows and in queries."""

RowT = TypeVar("RowT", bound=UsageFigures)


class UsageOfAgent(UsageFigures):
    agent_id: str


class UsageOfAgentType(UsageFigures):
    agent_type_id: str


class UsageOfProvider(UsageFigures):
    provider_id: str


class UsageOfProviderType(UsageFigures):
    provider_type: str


class UsageOfModel(UsageFigures):
    model: str


class UsageOfUseCase(UsageFigures):
    """What calls of a use case used; null is that of calls without one."""

    use_case: str | None


class UsageOfLabel(UsageFigures):
    label: str


class UsageOfStatus(UsageFigures):
    status: str


class UsagePage(Page[RowT], OfPeriod, Generic[RowT]):
    @classmethod
    def of(cls, table: UsageTable, dimension: Dimension) -> Self:
        name = NAMES[dimension]
        rows = [
            {name: row.key or None, **row.model_dump(exclude={"key"})}
            for row in table.data
        ]
        return cls.model_validate(table.model_dump() | {"data": rows})


class ErrorShare(BaseModel):
    """How many calls failed with *code*, and their part of all that failed."""

    code: str
    errors: int
    share_of_errors: float | None


class UsageErrors(OfPeriod):
    """How many calls failed, and by which codes, the commonest first."""

    data: list[ErrorShare]
    calls: int
    errors: int
    error_rate: float | None

    @classmethod
    def of(cls, summary: UsageSummary, table: UsageTable) -> Self:
        rows = sorted(table.data, key=lambda row: (-row.errors, row.key))
        return cls(
            data=[
                ErrorShare(
                    code=row.key,
                    errors=row.errors,
                    share_of_errors=(
                        row.errors / summary.errors if summary.errors else None
                    ),
                )
                for row in rows
            ],
            calls=summary.calls,
            errors=summary.errors,
            error_rate=summary.error_rate,
            since=table.since,
            until=table.until,
            as_of=table.as_of,
        )
