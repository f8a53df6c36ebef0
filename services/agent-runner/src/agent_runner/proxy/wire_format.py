"""What the proxy must know of a wire format: values and functions, without I/O.

A format reads what its clients send, says what goes out to its provider, watches the
answer as it passes, and words refusals as its clients expect them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from agent_runner.http.messages import Fields, Reply
from shared.contracts.agent_types import AgentType, ProviderFeature
from shared.contracts.base import Explanation
from shared.contracts.credentials import LeasedCredential, ProviderType
from shared.contracts.prices import USUAL_TERMS, PriceTerms
from shared.errors import AppError, PathNotAllowedError
from shared.provider_errors.rows import Failure

from .counting import Spoken
from .usage import Report

__all__ = [
    "AnswerStream",
    "Asked",
    "Fields",
    "ModelRequest",
    "Outcome",
    "Outgoing",
    "Released",
    "Reply",
    "Route",
    "Translation",
    "WireFormat",
]


class Route(NamedTuple):
    """An allowed path.

    *endpoint* names it in records. *path* is what follows the provider's base URL,
    percent-encoded, with its query. What is no *is_model_call* is answered here.
    *model* is the one that the path names, if any.
    """

    endpoint: str
    path: str
    is_model_call: bool = True
    model: str = ""


class ModelRequest(NamedTuple):
    """A model call's body as it goes out, with what the proxy must know of it.

    *features* are those that only some agent types allow. *withholds_usage*: the client
    did not ask for the report that we ask for. *most_output* is how many tokens each of
    its *answers* may have, None if it does not say; *names_no_limit*: it says so, with
    null. *terms* are those it is to be served, and priced, on.
    """

    body: bytes
    model: str
    is_streamed: bool = False
    features: frozenset[ProviderFeature] = frozenset()
    withholds_usage: bool = False
    most_output: int | None = None
    answers: int = 1
    terms: PriceTerms = USUAL_TERMS
    names_no_limit: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A model call as its client asked for it; *fields* as they came."""

    route: Route
    request: ModelRequest
    fields: Fields = field(repr=False)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Where a request goes and with which header fields, the key among them.

    *url* is percent-encoded and must be sent as it is.
    """

    url: str
    fields: Fields = field(repr=False)


class Released(NamedTuple):
    """What may pass: *body* now, *end* only once the call is settled."""

    body: bytes
    end: bytes


class Outcome(NamedTuple):
    """What an answer in a single piece says: what it used, and what went wrong."""

    report: Report
    failure: Failure | None = None


class AnswerStream(Protocol):
    """An answer that comes as a stream of events, watched while it passes."""

    @property
    def report(self) -> Report:
        """What the answer says that it used, so far."""

    @property
    def failure(self) -> Failure | None:
        """What the answer says that went wrong."""

    @property
    def has_content(self) -> bool:
        """Whether it had something to say beyond its form."""

    @property
    def spoken(self) -> Spoken:
        """What it said so far, estimated."""

    @property
    def is_complete(self) -> bool:
        """Whether a clean end now is the end of the answer, not one cut short."""

    @property
    def has_ended(self) -> bool:
        """Whether that came after which SDKs read no further."""

    def feed(self, data: bytes) -> Released:
        """Take what came; raises `EventTooLongError` and `BrokenFrameError`."""

    def end(self) -> bytes:
        """Take the clean end of the stream; return what is still to pass."""

    def rest(self) -> bytes:
        """Take the break of the stream; return what came and did not pass."""


def no_models(_: AgentType) -> Reply:
    """List nothing, for a format without such a path."""
    raise PathNotAllowedError("This format has no list of models.")


@dataclass(frozen=True, slots=True)
class Translation:
    """How a provider's answers are told to a client of another format.

    *whole* words an answer in a single piece. *refused* words an error, by its status
    and its explanation, without header fields.
    """

    whole: Callable[[Asked, bytes, Outcome], bytes]
    refused: Callable[[int, Explanation], Reply]


@dataclass(frozen=True, slots=True)
class WireFormat:
    """One provider's format, as a table of functions.

    *request_id_field* is where the provider names a request, in lower case.

    *route_of* finds method, path (below the format's prefix, as it was sent) and query
    in the allow-list; raises `PathNotAllowedError`. *key_of* reads the key with which a
    client calls, "" for none. *read_request* reads a body strictly; raises
    `MalformedJsonError`, and `MalformedError` for what is no model call. *models* lists
    what an agent may use; the provider is not asked.

    *outgoing* says what goes to the provider; raises `UnavailableError` without a key.
    *stream_of* watches an answer of some content type, None for one in a single piece,
    which *outcome_of* reads. *refusal* words an error for a request id. *bounded*
    writes the most output tokens into a request that names none, where a format can.

    *asked_for* asks another model for the same; raises `WireFormatMismatchError` where
    it would answer something else. *translation* is there where the client's format is
    not the provider's. *signs_each*: what *outgoing* says depends on the body and the
    time, not on the route, the client's fields and the credential alone.
    """

    provider_type: ProviderType
    request_id_field: bytes
    route_of: Callable[[str, str, str], Route]
    key_of: Callable[[Fields], str]
    read_request: Callable[[Route, bytes], ModelRequest]
    outgoing: Callable[[Asked, LeasedCredential, datetime], Outgoing]
    stream_of: Callable[[Asked, str], AnswerStream | None]
    outcome_of: Callable[[Asked, Reply], Outcome]
    refusal: Callable[[AppError, str], Reply]
    asked_for: Callable[[str, Asked], Asked]
    models: Callable[[AgentType], Reply] = no_models
    translation: Translation | None = None
    bounded: Callable[[Route, ModelRequest, int], ModelRequest] | None = None
    signs_each: bool = False
