"""What a request says: the id in its path, its query, its `If-Match`."""

import re
from typing import TypeVar
from uuid import UUID

from aiohttp import hdrs, web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.errors import InvalidError, NotFoundError
from shared.http import fields_of

__all__ = [
    "Input",
    "PageQuery",
    "id_in_path",
    "if_match",
    "if_match_header",
    "invalid_body",
    "invalid_headers",
    "invalid_query",
    "query_of",
]

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_ETAG = re.compile(r'"([1-9][0-9]{0,8})"')
_ETAGS = re.compile(r'(W/)?"[^"]*"(\s*,\s*(W/)?"[^"]*")*')
_NO_VERSION = 0  # versions begin at 1
_QUERY_INVALID = "The query is not valid."


class Input(BaseModel):
    """A body or a query as a caller gives it; a field nobody knows is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class PageQuery(Input):
    """Which page of a list is wanted."""

    limit: int = Field(default=50, ge=1, le=200)
    cursor: str | None = Field(default=None, min_length=1, max_length=200)


InputT = TypeVar("InputT", bound=Input)


def id_in_path(request: web.Request, missing: type[NotFoundError]) -> UUID:
    """Read `{id}`; what is no id names nothing, hence *missing*."""
    text = request.match_info["id"]
    if not _UUID.fullmatch(text):
        raise missing("The id in the path belongs to nothing here.")
    return UUID(text)


def query_of(request: web.Request, model: type[InputT]) -> InputT:
    """Read the query as *model*; raise `InvalidError` that names the parameters."""
    repeated = {name for name in request.query if len(request.query.getall(name)) > 1}
    if repeated:
        raise invalid_query(dict.fromkeys(sorted(repeated), "is given more than once"))
    try:
        return model.model_validate(dict(request.query))
    except ValidationError as error:
        raise InvalidError(
            _QUERY_INVALID, details={"fields": fields_of(error)}
        ) from None


def invalid_query(problems: dict[str, str]) -> InvalidError:
    """Make an error of *problems*, parameter to sentence."""
    return InvalidError.of_fields(_QUERY_INVALID, problems)


def invalid_headers(problems: dict[str, str]) -> InvalidError:
    """Make an error of *problems*, header to sentence."""
    return InvalidError.of_fields("A header is not valid.", problems)


def invalid_body(problems: dict[str, str]) -> InvalidError:
    """Make an error of *problems*, field to sentence."""
    return InvalidError.of_fields("The request has invalid fields.", problems)


def if_match(request: web.Request) -> int | None:
    """Read the version the caller has read; None if any will do (RFC 9110, 13.1.1).

    One strong entity tag of ours, or `*`; another entity tag matches no version.
    Raises `InvalidError` for what is no entity tag.
    """
    header = if_match_header(request)
    if header == "*":
        return None
    found = _ETAG.fullmatch(header)
    return int(found[1]) if found else _NO_VERSION


def if_match_header(request: web.Request) -> str:
    """Read `If-Match`, `*` if there is none; raise `InvalidError` if it is no tag."""
    header = request.headers.get(hdrs.IF_MATCH, "*").strip()
    if header != "*" and not _ETAGS.fullmatch(header):
        raise invalid_headers({hdrs.IF_MATCH: 'must be a version in quotes, as "1"'})
    return header
