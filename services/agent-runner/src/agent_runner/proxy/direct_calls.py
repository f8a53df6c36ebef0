"""Plain calls, answered in callbacks: no task, no future and no wait of their own.

A call is plain while its agent is known here, its only provider speaks its format, its
limits can be taken from what is at hand, and the provider answers 200. What is not is
left to `forwarding`, from the start or from where it stands, so that each rule is
written once. The order is that of `passage`; what the calls of one turn record is
written together. Where no connection rests, one is made by a task, which waits for
nothing else.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from weakref import WeakValueDictionary

from structlog.contextvars import bind_contextvars

from agent_runner.callers import Callers, ModelCaller
from agent_runner.http.answer import Answer
from agent_runner.http.client_connection import ClientConnection
from agent_runner.http.exchange import Exchange
from agent_runner.http.messages import Fields, Reply, RequestHead
from agent_runner.spool.errors import SpoolBrokenError
from shared.contracts.metrics import CallStatus

from .admission import Admission
from .call_head import CallHead, Plan, call_head
from .call_spans import call_span
from .calls import OpenCall
from .candidates import Leg
from .dressing import dressed
from .edge import Edge
from .features import require_allowed
from .forwarding import Forwarding
from .headers import media_type_of, value_of
from .large_bodies import LARGE_BODY_BYTES
from .passage import Ask, Passage
from .provider_failures import FAILURES
from .turn_records import GoOn, Record
from .wire_format import AnswerStream, Asked

__all__ = ["DirectCall", "DirectCalls"]

_OK = 200
_LONGEST_ANSWER_BYTES = 64 * 1024
_NOT_PLAIN = "not plain"
_Bytes = tuple[bytes, bytes, tuple[tuple[bytes, bytes], ...]]
"""Method, target and fields of a head."""


class DirectCalls:
    def __init__(self, callers: Callers, forwarding: Forwarding) -> None:
        self._callers = callers
        self._forwarding = forwarding
        self._heads: WeakValueDictionary[_Bytes, CallHead] = WeakValueDictionary()
        """What connections that stand have worked out, by what it was worked out of."""

    def take(self, exchange: Exchange) -> "DirectCall | None":
        """Take a call, of which only the head is known, that begins as a plain one."""
        head = exchange.head
        if head.worked_out is None:
            head.worked_out = self._worked_out(head) or _NOT_PLAIN
        if not isinstance(head.worked_out, CallHead):
            return None
        if exchange.expects_continue or exchange.content_length >= LARGE_BODY_BYTES:
            return None
        known = partial(
            self._callers.known, head.worked_out.proof, reached_at=head.reached_at
        )
        agent = known()
        if agent is None:
            return None
        return DirectCall(
            exchange, head.worked_out, agent, self._forwarding, known=known
        )

    def _worked_out(self, head: RequestHead) -> CallHead | None:
        """Share what follows from a head among the connections that begin so.

        It is kept by them alone: the keys in it are forgotten with the last of them.
        """
        read = head.method, head.target, tuple(head.fields)
        if (shared := self._heads.get(read)) is not None:
            return shared
        made = call_head(head)
        if made is not None:
            self._heads[read] = made
        return made


class DirectCall:
    """One call, from its whole request to the end of its answer."""

    __slots__ = (
        "_admission",
        "_asked",
        "_call",
        "_connecting",
        "_connection",
        "_exchange",
        "_fields",
        "_forwarding",
        "_head",
        "_known",
        "_passage",
        "_pieces",
        "_plan",
        "_reply",
        "_size",
        "_status",
        "_stream",
        "agent",
        "is_received",
    )

    _admission: Admission
    _asked: Asked
    _call: OpenCall
    _connection: ClientConnection
    _plan: Plan
    _passage: Passage
    _reply: Reply

    def __init__(
        self,
        exchange: Exchange,
        head: CallHead,
        agent: ModelCaller,
        forwarding: Forwarding,
        *,
        known: Callable[[], ModelCaller | None],
    ) -> None:
        """*known* tells again whose call it is: a body may come long after its head."""
        self.is_received = False
        self._exchange = exchange
        self._head = head
        self._known = known
        self.agent = agent
        self._forwarding = forwarding
        self._status = 0
        self._fields: Fields = ()
        self._pieces: list[bytes] = []
        self._size = 0
        self._stream: AnswerStream | None = None
        self._connecting: asyncio.Task[ClientConnection] | None = None

    # What the exchange calls (`Direct`).

    def go(self) -> None:
        try:
            is_plain = self._is_planned()
        except Exception:  # noqa: BLE001 - a task that meets it as well words it
            is_plain = False
        if is_plain:
            self._record(self._open, self._leave_for_provider)
        else:
            self._exchange.serve()

    def leave(self) -> None:
        if not hasattr(self, "_call"):
            return
        if not self.is_received:  # else the connection may be another call's by now
            self._hang_up()
        with suppress(SpoolBrokenError):  # the next opening of the spool settles it
            self._call.settle(CallStatus.CANCELLED)

    # What the connection to the provider calls (`Receiver`).

    def begin(self, status: int, fields: Fields) -> None:
        self._call.http_status = self._status = status
        self._fields = fields
        if status != _OK or value_of(fields, b"content-encoding"):
            self._leave_to_task()
            return
        wire_format = self._head.wire_format
        self._stream = wire_format.stream_of(self._asked, media_type_of(fields))
        if self._stream is not None:
            self._begin_stream(self._stream)

    def take(self, data: bytes) -> None:
        self._pieces.append(data)
        self._size += len(data)

    def turn(self) -> None:
        if self._stream is not None:
            self._step(partial(self._pass, self._stream))
        elif self._size > _LONGEST_ANSWER_BYTES:
            self._leave_to_task()

    def receive(self) -> None:
        self.is_received = True
        if self._stream is None:
            self._step(self._answer)
        else:
            self._step(partial(self._end, self._stream))

    def fail(self, failure: OSError) -> None:
        if self._stream is None:
            answer = self._answer_so_far()
            answer.fail(failure)
            self._go_on(answer)
        else:
            self._step(partial(self._cut, self._stream, failure))

    # From the request to the provider.

    def _is_planned(self) -> bool:
        """Take what the call needs to leave; or say that it is not plain."""
        head, agent, exchange = self._head, self.agent, self._exchange
        body = exchange.received_body
        if len(body) >= LARGE_BODY_BYTES or self._known() is not agent:
            return False
        request = head.wire_format.read_request(head.route, body)
        asked = Asked(head.route, request, head.fields)
        plan = head.plan_for(agent, asked, self._forwarding.book)
        if plan is None:
            return False
        require_allowed(plan.agent_type, request.features)
        credential = plan.credential
        limits = self._forwarding.limits
        if limits.bounded(agent, credential, asked, head.wire_format) is not asked:
            return False
        admission = limits.admit_at_once(agent, credential)
        if admission is None:
            return False
        self._plan, self._asked, self._admission = plan, asked, admission
        return True

    def _open(self) -> None:
        self._call = self._forwarding.book.open_as(
            self._plan.entry,
            in_hand=self.agent.in_hand,
            body=self._asked.request.body,
            admission=self._admission,
        )

    def _leave_for_provider(self, failure: Exception | None) -> None:
        if failure is None:
            # From here on it is this call that ends, whatever is wrong.
            self._step(self._connect)
            return
        self._admission.give_back()
        self._exchange.serve()  # a task that meets it as well words it

    def _connect(self) -> None:
        client, origin = self._forwarding.client, self._plan.origin
        if (rested := client.take(origin)) is not None:
            self._connection = rested
            self._send()
            return
        making = client.connect(origin)
        self._connecting = asyncio.get_running_loop().create_task(making)
        self._connecting.add_done_callback(self._connected)

    def _connected(self, connecting: asyncio.Task[ClientConnection]) -> None:
        self._connecting = None
        if connecting.cancelled():
            return  # the client has gone away
        failure = connecting.exception()
        if self._call.is_settled:  # it went away just then
            if failure is None:
                connecting.result().abort()
        elif failure is not None:
            self._fail(failure)
        else:
            self._connection = connecting.result()
            self._step(self._send)

    def _send(self) -> None:
        body = self._asked.request.body
        length = b"content-length: %d\r\n\r\n" % len(body)
        self._connection.ask(self._plan.head + length, body, self)
        self._call.has_been_sent()

    # From the answer to the agent.

    def _answer(self) -> None:
        """Settle a call whose answer came in one piece, which then passes."""
        body = self._arrived()
        reply = Reply(self._status, self._fields, body)
        outcome = self._head.wire_format.outcome_of(self._asked, reply)
        if outcome.failure is not None:
            self._pieces.append(body)
            self._leave_to_task()
            return
        self._reply = Reply(self._status, self._dressed(), body)
        self._call.report = outcome.report
        self._record(self._complete, self._pass_whole)

    def _complete(self) -> None:
        self._call.settle(CallStatus.COMPLETED)

    def _pass_whole(self, failure: Exception | None) -> None:
        if failure is None:
            self._step(self._give)
        else:
            self._fail(failure)

    def _give(self) -> None:
        self._exchange.answer(self._reply)
        self._finish()

    def _begin_stream(self, stream: AnswerStream) -> None:
        self._call.stream = stream
        self._passage = Passage(
            self._exchange,
            self._call,
            self._leg,
            mask=self._plan.mask,
            may_move_on=False,
        )
        self._exchange.begin(self._status, self._dressed())

    def _pass(self, stream: AnswerStream) -> None:
        """Pass on what one read brought, and read no more while the client does not."""
        self._passage.pass_on(stream, self._arrived())
        if not self._exchange.once_read(self._connection.resume):
            self._connection.pause()

    def _end(self, stream: AnswerStream) -> None:
        self._passage.pass_on(stream, self._arrived())
        self._passage.end(stream)
        self._finish()

    def _cut(self, stream: AnswerStream, error: Exception) -> None:
        self._connection.abort()
        self._passage.cut(stream, error)
        self._exchange.finish()

    @property
    def _leg(self) -> Leg:
        return Leg(self._plan.credential, self._head.wire_format, self._asked)

    def _arrived(self) -> bytes:
        """Take out the bytes of the answer that came since the last time."""
        pieces, self._pieces = self._pieces, []
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _record(self, record: Record, go_on: GoOn) -> None:
        """Open or settle the call, with the others of this turn, and go on."""
        forwarding = self._forwarding
        forwarding.book.records.add(record, go_on, turn=forwarding.client.turn)

    def _step(self, take: Callable[[], None]) -> None:
        """Take a step; an edge, where all that is wrong with an answer is met."""
        try:
            take()
        except FAILURES as error:
            if self._stream is None:
                self._fail(error)
            else:
                self._step(partial(self._cut, self._stream, error))
        except Exception as error:  # noqa: BLE001 - a task words and logs it
            self._fail(error)

    def _dressed(self) -> Fields:
        plan = self._plan
        fields = dressed(self._fields, self._call, self._head.wire_format, plan.mask)
        return [*fields, *plan.signature]

    def _finish(self) -> None:
        self._forwarding.client.put(self._plan.origin, self._connection)
        self._exchange.finish()

    # Where a task goes on.

    def _leave_to_task(self) -> None:
        self._go_on(self._answer_so_far())

    def _answer_so_far(self) -> Answer:
        """Make an `Answer` of what has come; the rest will come to it."""
        answer = Answer(self._connection)
        if self._status:
            answer.begin(self._status, self._fields)
        for each in self._pieces:
            answer.take(each)
        if self.is_received:
            answer.receive()
        self._connection.hand_to(answer)
        return answer

    def _go_on(self, answer: Answer) -> None:
        client = self._forwarding.client
        self._serve(
            partial(client.going_on, self._plan.origin, self._connection, answer)
        )

    def _fail(self, error: BaseException) -> None:
        """Meet *error* where every call's end is written and worded."""
        self._hang_up()
        self._serve(partial(_Failing, error))

    def _hang_up(self) -> None:
        """Let go of the provider, connected or not."""
        if self._connecting is not None:
            self._connecting.cancel()
        elif hasattr(self, "_connection"):
            self._connection.abort()

    def _serve(self, ask: Ask) -> None:
        self._exchange.serve(partial(self._served, ask))

    async def _served(self, ask: Ask) -> None:
        agent, call = self.agent, self._call
        bind_contextvars(request_id=call.request_id)
        edge = Edge(
            self._exchange,
            self._head.wire_format,
            agent.agent_type,
            request_id=call.request_id,
            model=self._asked.request.model,
        )
        go_on = partial(
            self._forwarding.go_on, self._exchange, agent, self._leg, call, ask
        )
        with call_span(self._exchange, agent):
            await edge.around(go_on)


class _Failing:
    """An answer that cannot be had, or of which reading one more piece failed."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    async def __aenter__(self) -> Answer:
        raise self._error

    async def __aexit__(self, *_: object) -> None: ...
