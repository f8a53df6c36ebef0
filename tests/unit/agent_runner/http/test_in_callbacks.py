"""Requests that are answered in callbacks: without a task, and in the same order.

All of it holds while one call is in hand, and while so many are that answers wait for
the end of a turn.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from agent_runner.http.exchange import Exchange
from agent_runner.http.messages import Reply, RequestHead
from agent_runner.http.turn import Turn

from .talking import SmallApplication, echo, post, talking
from .wire import wired

MANY = 100

HEAD = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
CHUNKED = b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(params=[0, MANY], ids=["the only call", "many calls"])
def turn(request: pytest.FixtureRequest) -> Turn:
    turn = Turn()
    turn.calls_in_hand = request.param
    return turn


def answer(exchange: Exchange) -> None:
    """Answer with the body of the request."""
    exchange.answer(Reply(200, [(b"x-answered", b"directly")], exchange.received_body))
    exchange.finish()


def leave_to_task(exchange: Exchange) -> None:
    exchange.serve()


def wait(_: Exchange) -> None:
    """Answer when the test says."""


@dataclass
class Directly:
    """Takes every exchange, and goes as it is told to."""

    goes: Callable[[Exchange], None] = answer
    taken: list[Exchange] = field(default_factory=list)
    gone: list[Exchange] = field(default_factory=list)
    was_taken: asyncio.Event = field(default_factory=asyncio.Event)
    was_left: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, exchange: Exchange) -> "Direct":
        self.taken.append(exchange)
        self.was_taken.set()
        return Direct(self, exchange)

    @property
    def heads(self) -> list[RequestHead]:
        return [each.head for each in self.taken]


@dataclass
class Direct:
    directly: Directly
    exchange: Exchange

    def go(self) -> None:
        self.directly.gone.append(self.exchange)
        self.directly.goes(self.exchange)

    def leave(self) -> None:
        self.directly.was_left.set()


async def test_a_request_is_answered_without_a_task(turn: Turn) -> None:
    async with talking(turn=turn, in_callbacks=Directly()) as server:
        talk = await server.connect(post(b"hello"))

        await talk.until(b"hello")

    assert b"x-answered: directly" in talk.arrived
    assert server.application.asked == []


async def test_it_is_taken_by_its_head_and_goes_when_it_is_whole(turn: Turn) -> None:
    directly = Directly()
    async with talking(turn=turn, in_callbacks=directly) as server, asyncio.timeout(20):
        talk = await server.connect(HEAD)
        await directly.was_taken.wait()
        began_with_the_head = [*directly.gone]

        talk.say(b"hello")

        await talk.until(b"hello")
    assert began_with_the_head == []


async def test_requests_that_come_together_are_answered_in_their_order(
    turn: Turn,
) -> None:
    async with talking(turn=turn, in_callbacks=Directly()) as server:
        talk = await server.connect(post(b"one"), post(b"two"), post(b"three"))

        await talk.until(b"three")

    order = [talk.arrived.index(each) for each in (b"one", b"two", b"three")]
    assert order == sorted(order)


async def test_what_is_not_for_callbacks_is_left_to_a_task(turn: Turn) -> None:
    async with talking(turn=turn, in_callbacks=Directly(leave_to_task)) as server:
        talk = await server.connect(post(b"one"), post(b"two"))

        await talk.until(b"two")

    assert len(server.application.asked) == 2
    assert b"x-answered" not in talk.arrived


async def test_a_body_that_breaks_is_refused_by_a_task(turn: Turn) -> None:
    directly = Directly()
    async with talking(turn=turn, in_callbacks=directly) as server, asyncio.timeout(20):
        talk = await server.connect(CHUNKED)
        await directly.was_taken.wait()

        talk.say(b"no size\r\n")

        said = await talk.until_closed()
    assert said.startswith(b"HTTP/1.1 400 ")
    assert directly.gone == []


async def test_a_client_that_goes_away_is_left_before_and_after_it_was_whole(
    turn: Turn,
) -> None:
    for said in (HEAD, post(b"hello")):
        directly = Directly(wait)
        async with (
            talking(turn=turn, in_callbacks=directly) as server,
            asyncio.timeout(20),
        ):
            talk = await server.connect(said)
            await directly.was_taken.wait()

            talk.leave()

            await directly.was_left.wait()
            await server.until_connected(0)


class FaultyDirect(Direct):
    def leave(self) -> None:
        raise LookupError(self)


async def test_a_fault_of_who_is_left_keeps_no_room() -> None:
    async with wired(
        SmallApplication(echo),
        in_callbacks=lambda exchange: FaultyDirect(Directly(wait), exchange),
    ) as client:
        client.say(post(b"hello"))

        with pytest.raises(LookupError):
            client.leave()
    assert client.has_let_go


async def test_nothing_is_left_to_a_task_for_a_client_that_is_gone() -> None:
    directly = Directly(goes=wait)
    application = SmallApplication(echo)
    async with wired(application, in_callbacks=directly) as client:
        client.say(post(b"hello"))
        client.leave()

        directly.taken[0].serve()

    assert client.has_let_go
    assert application.asked == []


async def test_a_task_that_goes_on_does_so_for_a_client_that_is_gone_before() -> None:
    """Whoever goes on has something to end, as a call that was opened."""
    has_ended = asyncio.Event()

    async def go_on() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            has_ended.set()

    directly = Directly(lambda exchange: exchange.serve(go_on))
    async with (
        asyncio.timeout(20),
        wired(SmallApplication(echo), in_callbacks=directly) as client,
    ):
        client.say(post(b"hello"))

        client.leave()

        await has_ended.wait()
    assert client.has_let_go


async def test_what_was_not_ended_is_cut(turn: Turn) -> None:
    def begin_and_finish(exchange: Exchange) -> None:
        exchange.begin(200, [])
        exchange.send(b"half")
        exchange.finish()

    async with talking(turn=turn, in_callbacks=Directly(begin_and_finish)) as server:
        said = await server.exchange(post(b"hello"))

    assert said.endswith(b"4\r\nhalf\r\n")


async def test_the_next_request_waits_until_an_answer_was_read(turn: Turn) -> None:
    large = b"x" * (8 * 1024 * 1024)

    def answer_much(exchange: Exchange) -> None:
        exchange.answer(Reply(200, [], large + exchange.received_body))
        exchange.finish()

    directly = Directly(answer_much)
    async with talking(turn=turn, in_callbacks=directly) as server, asyncio.timeout(20):
        last = post(b"two", b"Connection: close")
        talk = await server.connect(post(b"one"), last, has_small_buffers=True)
        await directly.was_taken.wait()
        taken_before_any_was_read = len(directly.taken)

        said = await talk.until_closed()

    assert taken_before_any_was_read == 1
    assert said.count(b"HTTP/1.1 200 OK") == 2
    assert said.endswith(b"xtwo")


async def test_requests_that_begin_alike_have_one_head(turn: Turn) -> None:
    directly = Directly()
    async with talking(turn=turn, in_callbacks=directly) as server:
        talk = await server.connect(post(b"one"))
        await talk.until(b"one")
        talk.say(post(b"longer"))
        await talk.until(b"longer")
        talk.say(post(b"other", b"X-Field: 1"))
        await talk.until(b"other")
        talk.say(post(b"elsewhere", b"X-Field: 1", target=b"/y"))
        await talk.until(b"elsewhere")

    one, longer, other, elsewhere = directly.heads
    assert one is longer
    assert other is not one
    assert elsewhere is not other
    assert (other.fields[-1], elsewhere.target) == ((b"x-field", b"1"), b"/y")
