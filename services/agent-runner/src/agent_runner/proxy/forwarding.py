"""Forwarding one model call: to its provider, or else to a fallback.

Candidates are asked one after another, until one has answered. What each was asked is
an attempt of the one call, which is opened once and settled once.
"""

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from time import monotonic

import structlog

from agent_runner.callers import ModelCaller
from agent_runner.http.client import Asking, Client
from agent_runner.http.exchange import Exchange
from agent_runner.http.urls import parted
from agent_runner.masking import SecretMask
from shared.contracts.metrics import CallStatus
from shared.errors import AppError
from shared.provider_errors.on_the_way import OURS
from shared.tracing import is_on

from .admission import Admission, Admissions, Unlimited
from .breaker import Breakers, Circuit
from .call_spans import attempt_span, tell_end
from .calls import CallBook, OpenCall
from .candidates import Leg, circuits_of, in_order, leg_to
from .large_bodies import LargeBodies
from .moving_on import is_providers
from .passage import Ask, Failed, Passage
from .patience import Patience
from .wire_format import Asked, Outgoing, WireFormat

__all__ = ["Forwarding"]

log = structlog.get_logger(__name__)


class Forwarding:
    def __init__(
        self,
        *,
        client: Client,
        book: CallBook,
        large_bodies: LargeBodies,
        limits: Admissions | None = None,
        patience: Patience | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.client = client
        self.book = book
        self._large_bodies = large_bodies
        self.limits = limits or Unlimited()
        self._patience = patience or Patience()
        self._jitter = jitter
        self.breakers = Breakers(jitter=jitter)

    async def forward(
        self,
        exchange: Exchange,
        agent: ModelCaller,
        wire_format: WireFormat,
        asked: Asked,
        *,
        request_id: str,
    ) -> None:
        """Forward an admitted call; providers that fail are answered, not raised.

        Raises why no candidate could be asked, before anything has left: that of the
        first, which is `WireFormatMismatchError`, `ResidencyViolatedError`,
        `UnavailableError` or `LimitedError`; and `SpoolFullError`. Cancelled when the
        client goes away.
        """
        call = _Call(exchange, agent, wire_format, asked, request_id)
        circuits = circuits_of(agent.agent_type, asked.request.model)
        with call.settled():
            if len(circuits) == 1:
                await self._ask(call, circuits[0], may_move_on=False)
            else:
                await self._ask_in_turn(call, circuits)
            await call.end()

    async def go_on(
        self,
        exchange: Exchange,
        agent: ModelCaller,
        leg: Leg,
        open_call: OpenCall,
        ask: Ask,
    ) -> None:
        """Go on with a call that was opened and sent, to its only candidate."""
        call = _Call(
            exchange, agent, leg.wire_format, leg.asked, open_call.request_id, open_call
        )
        with call.settled():
            await self._run(call, open_call, leg, ask, may_move_on=False)

    async def _ask_in_turn(self, call: "_Call", circuits: Sequence[Circuit]) -> None:
        """Ask all of them, and after a pause once more if that may help."""
        began, rounds_done = monotonic(), 0
        while True:
            earlier, call.failures = call.failures, {}
            for circuit in in_order(circuits, admits=partial(self._admits, call)):
                if await self._ask_guarded(call, circuit):
                    return
            call.failures = call.failures or earlier
            rounds_done += 1
            pause = self._patience.wait(
                [each.retry_after_seconds for each in call.retryable()],
                rounds_done=rounds_done,
                elapsed_seconds=monotonic() - began,
                jitter=self._jitter(),
            )
            if pause is None:
                return
            await asyncio.sleep(pause)

    async def _ask_guarded(self, call: "_Call", circuit: Circuit) -> bool:
        """Ask one of several, and tell its breaker what came of it."""
        try:
            passage = await self._ask(call, circuit, may_move_on=True)
        except BaseException:
            self.breakers.gave_up(circuit, call)
            raise
        if passage is None:
            self.breakers.gave_up(circuit, call)
            return False
        failed = call.failures.get(passage)
        explanation = failed.explanation if failed else passage.explanation
        if explanation is not None and is_providers(explanation):
            after = failed.retry_after_seconds if failed else None
            self.breakers.failed(circuit, call, monotonic(), retry_after_seconds=after)
        else:
            self.breakers.succeeded(circuit)
        return failed is None

    async def _ask(
        self, call: "_Call", circuit: Circuit, *, may_move_on: bool
    ) -> Passage | None:
        """Ask one candidate; None if it cannot be asked."""
        try:
            leg = await leg_to(
                circuit,
                call.agent,
                call.wire_format,
                call.asked,
                large_bodies=self._large_bodies,
            )
            asked = self.limits.bounded(
                call.agent, leg.credential, leg.asked, leg.wire_format
            )
            if asked is not leg.asked:
                leg = replace(leg, asked=asked)
            outgoing = leg.wire_format.outgoing(
                leg.asked, leg.credential, datetime.now(UTC)
            )
            admission = await self.limits.admit(call.agent, leg.credential, leg.asked)
        except AppError as error:
            call.refusal = call.refusal or error
            return None
        try:
            open_call = self._opened(call, leg, admission)
        except BaseException:
            admission.give_back()
            raise
        ask = partial(self._client_asking, leg, outgoing, open_call)
        return await self._run(call, open_call, leg, ask, may_move_on=may_move_on)

    def _client_asking(
        self, leg: Leg, outgoing: Outgoing, open_call: OpenCall
    ) -> Asking:
        origin, target = parted(outgoing.url)
        return self.client.asking(
            origin,
            method=b"POST",
            target=target,
            fields=outgoing.fields,
            body=leg.asked.request.body,
            sent=open_call.has_been_sent,
        )

    async def _run(
        self,
        call: "_Call",
        open_call: OpenCall,
        leg: Leg,
        ask: Ask,
        *,
        may_move_on: bool,
    ) -> Passage:
        passage = Passage(
            call.exchange,
            open_call,
            leg,
            mask=SecretMask(_secrets(call.agent, leg)),
            may_move_on=may_move_on,
        )
        failed = await _asked(passage, open_call, ask)
        if failed is not None:
            open_call.end_attempt(failed.explanation)
            call.failures[passage] = failed
        return passage

    def _opened(self, call: "_Call", leg: Leg, admission: Admission) -> OpenCall:
        """Open the call for its first candidate, and turn it to any other."""
        if call.open_call is None:
            call.open_call = self.book.open(
                call.agent,
                leg.credential,
                leg.asked,
                request_id=call.request_id,
                admission=admission,
            )
        else:
            self.book.turn(
                call.open_call,
                call.agent,
                leg.credential,
                leg.asked,
                admission=admission,
            )
        return call.open_call

    def _admits(self, call: "_Call", circuit: Circuit) -> bool:
        return self.breakers.admits(circuit, call, monotonic())


async def _asked(passage: Passage, open_call: OpenCall, ask: Ask) -> Failed | None:
    """Make the attempt, and tell of it if anybody is told."""
    if not is_on():
        return await passage.run(ask)
    with attempt_span(open_call) as span:
        failed = await passage.run(ask)
        explanation = failed.explanation if failed else passage.explanation
        tell_end(span, open_call, explanation)
    return failed


def _secrets(agent: ModelCaller, leg: Leg) -> frozenset[str]:
    """Name every secret that this answer must not repeat."""
    if leg.credential is agent.lease.credential:
        return agent.secrets
    fields = leg.credential.fields.values()
    return agent.secrets | {each.get_secret_value() for each in fields}


@dataclass(slots=True)
class _Call:
    """One call on its way: what was asked, and what has come of it so far.

    *failures* are those of the last round that had some, in their order. *refusal* is
    why the first candidate that could not be asked could not.
    """

    exchange: Exchange
    agent: ModelCaller
    wire_format: WireFormat
    asked: Asked
    request_id: str
    open_call: OpenCall | None = None
    failures: dict[Passage, Failed] = field(default_factory=dict)
    refusal: AppError | None = None

    def retryable(self) -> list[Failed]:
        return [each for each in self.failures.values() if each.explanation.retryable]

    async def end(self) -> None:
        """Answer with a failure where no candidate did better.

        It is the first that may pass if the client tries again, or else the last.
        """
        if self.exchange.has_begun:
            return
        if not self.failures:
            if self.refusal is not None:
                raise self.refusal
            return
        passages = list(self.failures)
        may_pass = [
            each for each in passages if self.failures[each].explanation.retryable
        ]
        told = may_pass[0] if may_pass else passages[-1]
        await told.answer(self.failures[told])

    @contextmanager
    def settled(self) -> Iterator[None]:
        """Settle the call at the end of the block, however that comes."""
        try:
            yield
        except Exception:
            self.settle(CallStatus.FAILED)
            raise
        finally:
            # Only a client that went away leaves a call open until here.
            self.settle(CallStatus.CANCELLED)

    def settle(self, status: CallStatus) -> None:
        if self.open_call is not None:
            explanation = OURS if status is CallStatus.FAILED else None
            self.open_call.settle(status, explanation=explanation)
