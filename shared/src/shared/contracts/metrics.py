"""What metrics hears and answers, and the records it counts."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from .agent_runner import MessageStatus
from .base import (
    Empty,
    Endpoint,
    Event,
    Explanation,
    Message,
    Page,
    PageQuestion,
    Question,
    Service,
    Topic,
)
from .credentials import ProviderType

__all__ = [
    "AGENT_STATS",
    "CALL_FINISHED",
    "GET_CALL",
    "INGEST",
    "LIST_CALLS",
    "MESSAGE_FINISHED",
    "PING",
    "AgentStats",
    "AgentStatsQuestion",
    "AttemptRecord",
    "Call",
    "CallFinished",
    "CallQuestion",
    "CallRecord",
    "CallStatus",
    "CallsQuestion",
    "Ingest",
    "IngestRecord",
    "Ingested",
    "MessageFinishedEvent",
    "MessageRecord",
    "Record",
    "Usage",
    "UsageSource",
]

Count = Annotated[int, Field(ge=0)]


class CallStatus(StrEnum):
    """How an admitted call ended; every one has exactly one end.

    `interrupted`: the runner died before it knew (tokens unknown);
    `cancelled`: the agent went away first.
    """

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


class UsageSource(StrEnum):
    """Where the figures of a call's usage come from."""

    REPORTED = "reported"
    NONE = "none"


class Usage(Message):
    """Disjoint token counts; None is "not reported", which is not 0.

    *input_tokens* excludes *cached_input_tokens* (OpenAI reports them inside).
    *reasoning_tokens* is a part of *output_tokens*.
    """

    input_tokens: Count | None = None
    cached_input_tokens: Count | None = None
    output_tokens: Count | None = None
    reasoning_tokens: Count | None = None


class AttemptRecord(Message):
    """One upstream request of a call. *http_status* is None if none came."""

    attempt_id: UUID
    provider_id: UUID
    model: str
    started_at: AwareDatetime
    duration_ms: int
    http_status: int | None = None
    error_code: str | None = None


class CallRecord(Message):
    """One admitted model call, as the runner's spool settled it.

    *duration_ms* is from the request's arrival to the last byte released, None
    where it was not measured; *time_to_first_token_ms* of streams only.
    """

    kind: Literal["call"] = "call"
    call_id: UUID
    org_id: UUID
    agent_id: UUID
    agent_type_id: UUID
    provider_id: UUID
    provider_type: ProviderType
    use_case: str | None = None
    model: str
    endpoint: str
    is_streamed: bool
    message_id: UUID | None = None
    runner: str
    request_id: str
    status: CallStatus
    http_status: int | None = None
    started_at: AwareDatetime
    duration_ms: int | None = None
    time_to_first_token_ms: int | None = None
    usage: Usage = Usage()
    usage_source: UsageSource = UsageSource.NONE
    explanation: Explanation | None = None
    attempts: list[AttemptRecord] = Field(default_factory=list)


class MessageRecord(Message):
    """One message that has become final; never its content."""

    kind: Literal["message"] = "message"
    message_id: UUID
    org_id: UUID
    agent_id: UUID
    agent_type_id: UUID
    status: MessageStatus
    finished_at: AwareDatetime
    duration_ms: int | None = None


Record = Annotated[CallRecord | MessageRecord, Field(discriminator="kind")]


class IngestRecord(Message):
    """One record with its place in the source.

    *payload* is the JSON of a `Record`; a string, so that one that cannot be read
    becomes a dead letter and does not spoil its neighbours.
    """

    sequence: int = Field(ge=1)
    payload: str


class Ingest(Message):
    """Consecutive records of one source (a spool or an outbox), oldest first.

    Without records it only asks how far the source has been applied.
    """

    source: UUID
    records: list[IngestRecord] = Field(default_factory=list, max_length=1000)


class Ingested(Message):
    """Everything up to *applied_through* is counted, once; send what follows."""

    applied_through: int


class AgentStatsQuestion(Question):
    """Since the agent's creation, unless a period is given."""

    agent_id: UUID
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class AgentStats(Message):
    """What an agent used and how it fared (PRODUCT: section 4).

    Times are milliseconds of model calls; *errors* are those that failed, and
    *error_rate* their part of all. *messages_processed* are the completed messages and
    *message_duration_ms* their mean. None where nothing was measured.
    """

    agent_id: UUID
    total_tokens: int
    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    average_response_time_ms: float | None
    p50_response_time_ms: float | None
    p95_response_time_ms: float | None
    average_time_to_first_token_ms: float | None
    message_duration_ms: float | None
    messages_processed: int
    calls: int
    errors: int
    error_rate: float | None
    since: AwareDatetime | None = Field(default=None, serialization_alias="from")
    until: AwareDatetime | None = Field(default=None, serialization_alias="to")
    as_of: AwareDatetime


class CallsQuestion(PageQuestion):
    agent_id: UUID | None = None


class CallQuestion(Question):
    call_id: UUID


class Call(CallRecord):
    """A call as it was counted."""

    recorded_at: AwareDatetime


class CallFinished(Event):
    """A call was counted; the event's id is the call's."""

    call: CallRecord


class MessageFinishedEvent(Event):
    """A message was counted; the event's id is the message's."""

    message: MessageRecord


_GATEWAY = frozenset({Service.GATEWAY})

PING = Endpoint("metrics.v1.ping", Empty, Empty, askers=_GATEWAY)
INGEST = Endpoint(
    "metrics.v1.ingest",
    Ingest,
    Ingested,
    askers=frozenset({Service.AGENT_RUNNER}),
    deadline=timedelta(seconds=10),
)
AGENT_STATS = Endpoint(
    "metrics.v1.agent_stats", AgentStatsQuestion, AgentStats, askers=_GATEWAY
)
LIST_CALLS = Endpoint(
    "metrics.v1.list_calls", CallsQuestion, Page[Call], askers=_GATEWAY
)
GET_CALL = Endpoint("metrics.v1.get_call", CallQuestion, Call, askers=_GATEWAY)

CALL_FINISHED = Topic("call", "finished", CallFinished, publisher=Service.METRICS)
MESSAGE_FINISHED = Topic(
    "message", "finished", MessageFinishedEvent, publisher=Service.METRICS
)
