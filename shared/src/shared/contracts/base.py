"""The shapes of the wire: messages, questions, endpoints, signals, topics."""

import binascii
import re
from base64 import b64decode, b64encode
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Generic, TypeVar
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainSerializer,
    SecretStr,
    SerializerFunctionWrapHandler,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_serializer,
)
from pydantic_core import PydanticCustomError

__all__ = [
    "SHOWN_ONCE",
    "Actor",
    "AuditEntry",
    "Bytes",
    "Empty",
    "Endpoint",
    "Event",
    "EventT",
    "Explanation",
    "Failure",
    "Instant",
    "Labels",
    "Message",
    "Name",
    "Page",
    "PageQuestion",
    "Patch",
    "Question",
    "ReplyT",
    "RequestT",
    "Secret",
    "Service",
    "ShownOnce",
    "Signal",
    "Signed",
    "Topic",
    "UseCase",
]

# C0 and C1, line and paragraph separators, and what turns the direction of text
# (Unicode Standard Annex 9, section 2): a name stands in tables, logs and terminals.
_UNRULY = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


def _bytes(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return b64decode(value, validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error


Bytes = Annotated[
    bytes,
    BeforeValidator(_bytes),
    PlainSerializer(lambda value: b64encode(value).decode(), when_used="json"),
]
"""Bytes inside, base64 in JSON."""

Secret = Annotated[
    SecretStr,
    PlainSerializer(lambda secret: secret.get_secret_value(), when_used="json"),
]
"""Masked in logs and tracebacks; readable in JSON, so only ever inside a seal."""

SHOWN_ONCE = "shown once"

ShownOnce = Annotated[
    str | None, Field(exclude_if=lambda value: value is None), SHOWN_ONCE
]
"""A secret that the answer which makes it holds, and no other: without it, no field."""


def _name(text: str) -> str:
    if _UNRULY.search(text):
        raise PydanticCustomError(
            "name", "must hold no control characters, nor any that turn text round"
        )
    return text


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    AfterValidator(_name),
]
"""What people call a thing; unique per organization and kind."""


_INFINITE = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
"""What asyncpg stores as -infinity and infinity, and reads back without a zone."""


def _in_utc(time: datetime) -> datetime:
    with suppress(OverflowError):
        instant = time.astimezone(UTC)
        if instant not in _INFINITE:
            return instant
    raise PydanticCustomError(
        "instant",
        "must be of the years 1 to 9999, in UTC, and neither their first moment nor "
        "their last",
    )


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A time that somebody gives: in UTC, where it has to be one, too."""

UseCase = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
"""What people say a thing is for."""

Labels = Annotated[
    dict[
        Annotated[str, StringConstraints(pattern=r"^[a-zA-Z][a-zA-Z0-9_.-]{0,62}$")],
        Annotated[str, StringConstraints(max_length=200)],
    ],
    Field(max_length=20),
]


class Service(StrEnum):
    """Who speaks on the bus. The value is subject head, schema and role alike."""

    CREDENTIALS = "credentials"
    GATEWAY = "gateway"
    AGENT_RUNNER = "agent_runner"
    METRICS = "metrics"

    @property
    def inbox_prefix(self) -> str:
        """Where replies to it arrive; nobody else may listen there."""
        return f"_INBOX_{self}"


class Message(BaseModel):
    """Anything that crosses the bus.

    Fields are only ever added, so an older reader ignores what it does not know.
    """

    # No process speaks all of its contracts, and one that starts speaks few of them.
    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, defer_build=True
    )


class Empty(Message):
    """A question without words, or an answer that says only "done"."""


class Actor(Message):
    """Who is behind an act, for the audit entry of its owner."""

    kind: Annotated[str, StringConstraints(pattern=r"^(api_key|user|service)$")]
    id: str


class Question(Message):
    """A question about the things of one organization."""

    org_id: UUID
    actor: Actor


class PageQuestion(Question):
    """A question whose answer is a list, newest first."""

    limit: int = Field(default=50, ge=1, le=200)
    cursor: str | None = None


ItemT = TypeVar("ItemT")


class Page(Message, Generic[ItemT]):
    data: list[ItemT]
    next_cursor: str | None = None


class Patch(Message):
    """Changes to an object: only fields that were given cross the wire.

    Null empties a field that may be empty (*clearable*) and is refused for others.
    """

    clearable: ClassVar[frozenset[str]] = frozenset()

    # Not before: that would make Python of JSON, in which strict times are no text.
    @field_validator("*")
    @classmethod
    def _clearable_if_null(cls, value: object, field: ValidationInfo) -> object:
        if value is None and field.field_name not in cls.clearable:
            raise PydanticCustomError("null_forbidden", "must not be null")
        return value

    @model_serializer(mode="wrap")
    def _given(self, serialized: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = serialized(self)
        return {name: fields[name] for name in fields if name in self.model_fields_set}


class AuditEntry(Message):
    """Who did what to which object, as the owner of the object keeps it.

    *act* is `noun.past_participle`; *service* is the owner. *position* and *hash*
    (hexadecimal) are its place in the organization's chain (`shared.audit_chain`), None
    where the owner keeps none.
    """

    id: UUID
    service: Service = Service.CREDENTIALS
    position: int | None = None
    at: AwareDatetime
    actor: Actor
    act: str
    object_kind: str
    object_id: UUID
    details: dict[str, JsonValue] = Field(default_factory=dict)
    request_id: str | None = None
    hash: str | None = None


class Signed(Message):
    """Words with the signature of an enrolled identity.

    *body* is the JSON of a message, signed as bytes so that both sides hash the same;
    *signer* is the public nkey (`U…`) whose Ed25519 signature it is.
    """

    signer: str
    body: Bytes
    signature: Bytes


class Failure(Message):
    """An `AppError` on its way back over the bus."""

    code: str
    status: int
    message: str
    details: dict[str, JsonValue] = Field(default_factory=dict)
    retry_after_seconds: float | None = None


class Explanation(Message):
    """Why something failed: one shape everywhere.

    *provider_error* is the provider's own name of the failure, None if it is ours.
    """

    code: str
    provider_error: str | None = None
    message: str
    cause: str
    fix: str
    retryable: bool


class Event(Message):
    """Something that happened. The id lets the bus and its readers drop repeats."""

    id: UUID
    org_id: UUID


RequestT = TypeVar("RequestT", bound=Message)
ReplyT = TypeVar("ReplyT", bound=Message)
EventT = TypeVar("EventT", bound=Event)
MessageT = TypeVar("MessageT", bound=Message)


@dataclass(frozen=True, slots=True)
class Endpoint(Generic[RequestT, ReplyT]):
    """A question one service answers, and who may ask it.

    The subject's head is the answering service; `askers` becomes the permissions of
    the bus. *deadline* bounds the whole question, its one retry included.
    A subject with `{runner}` names one process: `at` fills it in.
    """

    subject: str
    request: type[RequestT]
    reply: type[ReplyT]
    askers: frozenset[Service]
    deadline: timedelta = timedelta(seconds=5)

    def at(self, runner: str) -> "Endpoint[RequestT, ReplyT]":
        return replace(self, subject=self.subject.format(runner=runner))


@dataclass(frozen=True, slots=True)
class Signal(Generic[MessageT]):
    """A hint on core NATS that may be lost; whoever hears it looks at the record.

    The subject may hold one `{key}`, such as a message id; `of` fills it in.
    """

    subject: str
    message: type[MessageT]
    sender: Service
    hearers: frozenset[Service]

    def of(self, key: object) -> str:
        return self.subject.format(key=key)


@dataclass(frozen=True, slots=True)
class Topic(Generic[EventT]):
    """A kind of public event, `ag2trust.v1.events.<org>.<noun>.<past participle>`."""

    noun: str
    participle: str
    event: type[EventT]
    publisher: Service

    def subject(self, org_id: UUID | str) -> str:
        return f"ag2trust.v1.events.{org_id}.{self.noun}.{self.participle}"

    @staticmethod
    def subjects(org_id: UUID) -> str:
        """Return the pattern of all events of one organization."""
        return f"ag2trust.v1.events.{org_id}.>"
