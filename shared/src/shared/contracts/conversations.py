"""Conversations: messages to agents, the one answer each gets, and their threads."""

from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime

from .base import (
    Endpoint,
    Explanation,
    Message,
    Page,
    PageQuestion,
    Question,
    Service,
    Signal,
)

__all__ = [
    "ASK_AGENT_TYPE",
    "CANCEL_MESSAGE",
    "GET_MESSAGE",
    "GET_THREAD",
    "LIST_DEAD_LETTERS",
    "LIST_THREADS",
    "MESSAGE_CHUNK",
    "MESSAGE_FINISHED",
    "MESSAGE_MAX_CHARACTERS",
    "REPLAY_DEAD_LETTER",
    "RETRY_MESSAGE",
    "SUBMIT_MESSAGE",
    "AgentMessage",
    "AskAgentType",
    "DeadLetter",
    "MessageChunk",
    "MessageFinished",
    "MessageQuestion",
    "MessageStatus",
    "MessageUsage",
    "SubmitMessage",
    "Thread",
    "ThreadHistory",
    "ThreadMessage",
    "ThreadQuestion",
    "ThreadsQuestion",
]

MESSAGE_MAX_CHARACTERS = 10_000


class MessageStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    ACKNOWLEDGED = "acknowledged"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self not in {MessageStatus.QUEUED, MessageStatus.RUNNING}


class MessageUsage(Message):
    """Tokens of all model calls made for one message; None if none was reported."""

    calls: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None


class AgentMessage(Message):
    """A message to an agent and, once final, its one stored answer.

    *attempts* counts its deliveries to the agent.
    """

    message_id: UUID
    thread_id: UUID
    agent_id: UUID
    status: MessageStatus
    content: str | None
    usage: MessageUsage
    duration_ms: int | None
    explanation: Explanation | None
    created_at: AwareDatetime
    finished_at: AwareDatetime | None
    attempts: int = 0


class SubmitMessage(Question):
    """A row is written before the answer; *thread_id* None opens a new thread.

    Of one that *is_streamed* the reply is signalled as it is made.
    """

    message_id: UUID
    agent_id: UUID
    thread_id: UUID | None = None
    content: str
    is_streamed: bool = False


class AskAgentType(Question):
    """Send a message to any agent of the type *slug* that runs.

    A thread stays with its agent for as long as that one runs.
    """

    message_id: UUID
    slug: str
    thread_id: UUID | None = None
    content: str
    is_streamed: bool = False


class MessageQuestion(Question):
    message_id: UUID


class ThreadsQuestion(PageQuestion):
    """Ask for threads, those of one agent if it is given."""

    agent_id: UUID | None = None


class Thread(Message):
    """A conversation with an agent; *messages* counts what is still kept of it."""

    id: UUID
    agent_id: UUID
    messages: int
    created_at: AwareDatetime
    updated_at: AwareDatetime


class ThreadQuestion(PageQuestion):
    thread_id: UUID


class ThreadMessage(Message):
    """What was asked at one position of a thread, and what came of it."""

    message_id: UUID
    position: int
    agent_id: UUID
    status: MessageStatus
    content: str
    reply: str | None
    usage: MessageUsage
    attempts: int
    duration_ms: int | None
    explanation: Explanation | None
    created_at: AwareDatetime
    finished_at: AwareDatetime | None


class ThreadHistory(Message):
    """A thread with a page of its messages, newest first."""

    id: UUID
    agent_id: UUID
    created_at: AwareDatetime
    updated_at: AwareDatetime
    messages: list[ThreadMessage]
    next_cursor: str | None = None


class DeadLetter(Message):
    """A message that is not delivered any more, and why; *id* is the message's."""

    id: UUID
    kind: Literal["message"] = "message"
    thread_id: UUID
    agent_id: UUID
    content: str
    attempts: int
    reason: Explanation
    created_at: AwareDatetime
    dead_lettered_at: AwareDatetime


class MessageChunk(Message):
    """The next piece of a reply as it is made, secrets masked.

    *attempt* counts deliveries, *index* the pieces of one from 0. Whoever misses an
    index has missed text; the stored reply has it.
    """

    message_id: UUID
    attempt: int
    index: int
    text: str


class MessageFinished(Message):
    """A message has become final; the record has its answer."""

    message_id: UUID


_GATEWAY = frozenset({Service.GATEWAY})

SUBMIT_MESSAGE = Endpoint(
    "agent_runner.v1.submit_message", SubmitMessage, AgentMessage, askers=_GATEWAY
)
ASK_AGENT_TYPE = Endpoint(
    "agent_runner.v1.ask_agent_type", AskAgentType, AgentMessage, askers=_GATEWAY
)
GET_MESSAGE = Endpoint(
    "agent_runner.v1.get_message", MessageQuestion, AgentMessage, askers=_GATEWAY
)
CANCEL_MESSAGE = Endpoint(
    "agent_runner.v1.cancel_message", MessageQuestion, AgentMessage, askers=_GATEWAY
)
RETRY_MESSAGE = Endpoint(
    "agent_runner.v1.retry_message", MessageQuestion, AgentMessage, askers=_GATEWAY
)
LIST_THREADS = Endpoint(
    "agent_runner.v1.list_threads", ThreadsQuestion, Page[Thread], askers=_GATEWAY
)
GET_THREAD = Endpoint(
    "agent_runner.v1.get_thread", ThreadQuestion, ThreadHistory, askers=_GATEWAY
)
LIST_DEAD_LETTERS = Endpoint(
    "agent_runner.v1.list_dead_letters",
    PageQuestion,
    Page[DeadLetter],
    askers=_GATEWAY,
)
REPLAY_DEAD_LETTER = Endpoint(
    "agent_runner.v1.replay_dead_letter",
    MessageQuestion,
    AgentMessage,
    askers=_GATEWAY,
)
MESSAGE_CHUNK = Signal(
    "agent_runner.v1.signals.message_chunk.{key}",
    MessageChunk,
    sender=Service.AGENT_RUNNER,
    hearers=_GATEWAY,
)
MESSAGE_FINISHED = Signal(
    "agent_runner.v1.signals.message_finished.{key}",
    MessageFinished,
    sender=Service.AGENT_RUNNER,
    hearers=_GATEWAY,
)
