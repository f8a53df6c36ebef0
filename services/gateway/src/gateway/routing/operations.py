"""What a route says of itself, once: to who serves it and to who describes it.

    @operation("POST /agents", needs=Permission.AGENTS_WRITE, status=201)
    async def create_agent(self, asked: Asked, body: AgentSubmission) -> Agent:
        '''Create an agent.'''

The name is the operation's id, the docstring its summary and description, and the
signature the rest: *body*, *query* and *if_version* are read and checked before the
call if they are parameters (a body that may be None need not be sent), and the model
that is returned is the answer; `None` is 204. `Reply[Model]` names another status, or
headers. What is no JSON is a `web.StreamResponse` of *media*: alone, or beside a model
as the other kind of answer.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from types import UnionType
from typing import Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from gateway.access.permissions import Permission
from shared.errors import AppError, NotFoundError

from .reading import Input

__all__ = [
    "Method",
    "Operation",
    "Reply",
    "operation",
    "operations_in",
    "operations_of",
]

AnswerT = TypeVar("AnswerT", bound=BaseModel | None)
MethodT = TypeVar("MethodT", bound=Callable[..., Awaitable[object]])
Method = Callable[..., Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Reply(Generic[AnswerT]):
    """An answer whose status is not the operation's own, or that has headers."""

    body: AnswerT
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """A route as it is declared.

    Who has *needs* may call it; None lets in whoever comes. *answer* is what is
    returned with *status*, None if nothing is; *also* are further statuses with theirs.
    *media* is what a stream is. *errors* are those that not every operation has;
    *missing* is what an `{id}` that leads nowhere is.
    """

    id: str
    method: str
    path: str
    summary: str
    description: str
    needs: Permission | None
    query: type[Input]
    body: type[BaseModel] | None
    needs_body: bool
    takes_version: bool
    answer: Any
    status: int
    also: Mapping[int, type[BaseModel]]
    media: str | None
    errors: tuple[type[AppError], ...]
    missing: type[NotFoundError] | None

    @property
    def tag(self) -> str:
        """The noun it is about: the first part of its path below `/api`."""
        return self.path.removeprefix("/api").split("/")[1]

    @property
    def may_be_repeated(self) -> bool:
        """Whether an `Idempotency-Key` keeps it from being done twice."""
        return self.method == "POST" and self.needs is not None

    @property
    def minds_version(self) -> bool:
        """Whether `If-Match` counts: it takes the version, or ends the object."""
        ends_object = self.method == "DELETE" and self.path.endswith("/{id}")
        return self.takes_version or ends_object

    @property
    def carries_etag(self) -> bool:
        """Whether the answer is one object, whose version `If-Match` can name."""
        is_object = self.method == "GET" and self.missing is not None
        return is_object or "version" in getattr(self.answer, "model_fields", {})


def operation(
    route: str,
    *,
    needs: Permission | None,
    status: HTTPStatus | None = None,
    also: Mapping[int, type[BaseModel]] | None = None,
    media: str | None = None,
    errors: tuple[type[AppError], ...] = (),
    missing: type[NotFoundError] | None = None,
) -> Callable[[MethodT], MethodT]:
    """Declare a method as the operation at *route*, as in `GET /agents/{id}`."""
    verb, _, path = route.partition(" ")
    if ("{id}" in path) != (missing is not None):
        raise TypeError(f"{route}: an id in the path, and only that, can be missing")

    def declare(function: MethodT) -> MethodT:
        hints = get_type_hints(function)
        answer = _answer_in(hints["return"])
        words = inspect.cleandoc(function.__doc__ or "")
        summary, _, description = words.partition("\n")
        usual = HTTPStatus.OK if answer or media else HTTPStatus.NO_CONTENT
        _DECLARED[function] = Operation(
            id=function.__name__,
            method=verb,
            path=path,
            summary=summary,
            description=description.strip(),
            needs=needs,
            query=hints.get("query", Input),
            body=_model_in(hints.get("body")),
            needs_body=_is_model(hints.get("body")),
            takes_version="if_version" in hints,
            answer=answer,
            status=status or usual,
            also=also or {},
            media=media,
            errors=errors,
            missing=missing,
        )
        return function

    return declare


def operations_of(routes: object) -> Iterator[tuple[Operation, Method]]:
    """Find the operations of *routes*, each with the method that serves it."""
    for declared in operations_in(type(routes)):
        yield declared, getattr(routes, declared.id)


def operations_in(kind: type, *, below: str = "") -> list[Operation]:
    """List the operations that a class declares, their paths *below* another."""
    return [
        replace(_DECLARED[each], path=below + _DECLARED[each].path)
        for each in vars(kind).values()
        if inspect.isfunction(each) and each in _DECLARED
    ]


def _answer_in(hint: Any) -> Any:
    """Read which model a method returns; None if it is none, or a stream alone.

    Of several it is those that stand without `Reply`: the others are in *also*.
    """
    hints = get_args(hint) if get_origin(hint) in {Union, UnionType} else (hint,)
    models = [each for each in hints if _is_model(each)]
    replied = [
        model
        for each in hints
        if get_origin(each) is Reply and _is_model(model := get_args(each)[0])
    ]
    answers = tuple(models or replied)
    return Union[answers] if answers else None  # noqa: UP007 - made of values


def _model_in(hint: Any) -> type[BaseModel] | None:
    """Return the model that a parameter is, or may be."""
    models = [each for each in (hint, *get_args(hint)) if _is_model(each)]
    return models[0] if models else None


def _is_model(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, BaseModel)


_DECLARED: dict[Callable[..., Any], Operation] = {}
