"""What the agent-runner answers about conversations: threads, second tries, pieces."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime

from .agent_runner import AgentMessage, MessageQuestion, MessageStatus, MessageUsage
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
    "GET_THREAD",
    "LIST_DEAD_LETTERS",
    "LIST_THREADS",
    "MESSAGE_CHUNK",
    "REPLAY_DEAD_LETTER",
    "RETRY_MESSAGE",
    "AskAgentType",
    "DeadLetter",
    "MessageChunk",
    "Thread",
    "ThreadHistory",
    "ThreadMessage",
    "ThreadQuestion",
    "ThreadsQuestion",
]


class AskAgentType(Question):
    """Send a message to any agent of the type *slug* that runs.

    A thread stays with its agent for as long as that one runs.
    """

    message_id: UUID
    slug: str
    thread_id: UUID | None = None
    content: str
    is_streamed: bool = False


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


_GATEWAY = frozenset({Service.GATEWAY})

ASK_AGENT_TYPE = Endpoint(
    "agent_runner.v1.ask_agent_type", AskAgentType, AgentMessage, askers=_GATEWAY
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
