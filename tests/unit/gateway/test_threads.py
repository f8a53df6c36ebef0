from aiohttp import ClientSession

from shared.contracts.base import Explanation, Page
from shared.contracts.conversations import (
    GET_THREAD,
    LIST_DEAD_LETTERS,
    LIST_THREADS,
    REPLAY_DEAD_LETTER,
    DeadLetter,
    MessageStatus,
    MessageUsage,
    Thread,
    ThreadHistory,
    ThreadMessage,
)
from shared.errors import DeadLetterNotFoundError, ThreadNotFoundError

from .fakes import Neighbours
from .objects import NOON, ORGANIZATION, SOME_ID, message

THREAD = Thread(
    id=SOME_ID, agent_id=SOME_ID, messages=2, created_at=NOON, updated_at=NOON
)
SAID = ThreadMessage(
    message_id=SOME_ID,
    position=1,
    agent_id=SOME_ID,
    status=MessageStatus.COMPLETED,
    content="Hi",
    reply="Hello!",
    usage=MessageUsage(),
    attempts=1,
    duration_ms=10,
    explanation=None,
    created_at=NOON,
    finished_at=NOON,
)
DEAD_LETTER = DeadLetter(
    id=SOME_ID,
    thread_id=SOME_ID,
    agent_id=SOME_ID,
    content="Drop dead",
    attempts=3,
    reason=Explanation(
        code="DELIVERY_FAILED",
        message="Lost three times.",
        cause="The agent ended.",
        fix="See its log.",
        retryable=True,
    ),
    created_at=NOON,
    dead_lettered_at=NOON,
)


async def test_threads_are_listed(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(LIST_THREADS, Page(data=[THREAD], next_cursor="c"))

    async with client.get(f"/api/threads?agent_id={SOME_ID}&limit=1") as response:
        body = await response.json()

    assert response.status == 200
    assert body["data"][0]["id"] == str(SOME_ID)
    assert body["data"][0]["messages"] == 2
    assert body["next_cursor"] == "c"
    question = neighbours.question(LIST_THREADS)
    assert (question.agent_id, question.limit) == (SOME_ID, 1)
    assert question.org_id == ORGANIZATION


async def test_a_thread_is_told_with_its_history(
    client: ClientSession, neighbours: Neighbours
) -> None:
    history = ThreadHistory(
        id=SOME_ID, agent_id=SOME_ID, created_at=NOON, updated_at=NOON, messages=[SAID]
    )
    neighbours.answer(GET_THREAD, history)

    async with client.get(f"/api/threads/{SOME_ID}?cursor=7") as response:
        body = await response.json()

    assert response.status == 200
    assert body["messages"][0]["content"] == "Hi"
    assert body["messages"][0]["reply"] == "Hello!"
    assert body["next_cursor"] is None
    question = neighbours.question(GET_THREAD)
    assert (question.thread_id, question.cursor) == (SOME_ID, "7")


async def test_a_thread_that_is_not_there_is_not_found(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(GET_THREAD, ThreadNotFoundError("There is no such thread."))

    for thread in (str(SOME_ID), "nonsense"):
        async with client.get(f"/api/threads/{thread}") as response:
            assert response.status == 404
            assert (await response.json())["error_code"] == "THREAD_NOT_FOUND"


async def test_dead_letters_are_listed_with_their_reason(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(LIST_DEAD_LETTERS, Page(data=[DEAD_LETTER]))

    async with client.get("/api/dead-letters") as response:
        body = await response.json()

    assert response.status == 200
    [letter] = body["data"]
    assert letter["kind"] == "message"
    assert letter["content"] == "Drop dead"
    assert letter["reason"]["code"] == "DELIVERY_FAILED"


async def test_a_dead_letter_is_replayed(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(REPLAY_DEAD_LETTER, message(MessageStatus.QUEUED))

    async with client.post(f"/api/dead-letters/{SOME_ID}/replay") as response:
        assert response.status == 202
        assert (await response.json())["status"] == "queued"

    assert neighbours.question(REPLAY_DEAD_LETTER).message_id == SOME_ID


async def test_what_is_no_dead_letter_is_not_replayed(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(REPLAY_DEAD_LETTER, DeadLetterNotFoundError("There is none."))

    for letter in (str(SOME_ID), "nonsense"):
        async with client.post(f"/api/dead-letters/{letter}/replay") as response:
            assert response.status == 404
            assert (await response.json())["error_code"] == "DEAD_LETTER_NOT_FOUND"
