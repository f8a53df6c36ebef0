"""`/errors`: what each provider's errors mean, and what to do about them."""

from collections.abc import Iterator
from itertools import starmap

from pydantic import BaseModel

from gateway.access.permissions import Permission
from gateway.routing.asked import Asked
from gateway.routing.operations import operation
from shared.contracts.base import Explanation, Page
from shared.provider_errors.explaining import ERROR_TABLE
from shared.provider_errors.on_the_way import ON_THE_WAY
from shared.provider_errors.refusals import REFUSALS, Refusal
from shared.provider_errors.rows import ErrorRow, ErrorSource
from shared.provider_errors.tool_failures import TOOL_FAILURES

__all__ = ["ErrorRoutes"]

_OURS = "ag2trust"


class ExplainedError(BaseModel):
    """One row of the table.

    *provider_errors* are the source's own names, `*` standing for any text; without
    any, the row is for what else comes with one of *http_statuses*. 200 is an error
    inside a stream. Of *source* `ag2trust` is what goes wrong on the way or with a
    tool, and what we refuse ourselves.
    """

    source: str
    http_statuses: list[int]
    provider_errors: list[str]
    code: str
    cause: str
    fix: str
    retryable: bool


class ErrorRoutes:
    @operation("GET /errors", needs=Permission.SELF)
    async def list_explained_errors(self, _: Asked) -> Page[ExplainedError]:
        """List what each provider's errors mean, all at once.

        The first row that fits a failure is its own.
        """
        return Page(data=[*_rows()], next_cursor=None)


def _rows() -> Iterator[ExplainedError]:
    for source, rows in ERROR_TABLE.items():
        yield from (_of_provider(source, row) for row in rows)
    yield from map(_explained, [*ON_THE_WAY, *TOOL_FAILURES])
    yield from starmap(_refused, REFUSALS.items())


def _of_provider(source: ErrorSource, row: ErrorRow) -> ExplainedError:
    return ExplainedError(
        source=source,
        http_statuses=list(row.statuses),
        provider_errors=list(row.names),
        code=row.meaning.code,
        cause=row.meaning.cause,
        fix=row.meaning.fix,
        retryable=row.meaning.retryable,
    )


def _explained(explanation: Explanation) -> ExplainedError:
    return ExplainedError(
        source=_OURS,
        http_statuses=[],
        provider_errors=[],
        code=explanation.code,
        cause=explanation.cause,
        fix=explanation.fix,
        retryable=explanation.retryable,
    )


def _refused(code: str, refusal: Refusal) -> ExplainedError:
    return ExplainedError(
        source=_OURS,
        http_statuses=[refusal.status],
        provider_errors=[],
        code=code,
        cause=refusal.cause,
        fix=refusal.fix,
        retryable=refusal.retryable,
    )
