"""The paths of the proxy: who calls, may it, and then forward.

A token in the path identifies the agent under environment delivery, where the key that
comes with the call must be one its process was given; a bearer token stands for itself.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial

from structlog.contextvars import bind_contextvars

from agent_runner.callers import Callers, ModelCaller
from agent_runner.explanations import refusal_of
from agent_runner.http.exchange import Exchange
from agent_runner.http.messages import Reply, RequestHead
from shared.errors import (
    AppError,
    MalformedError,
    ModelNotAllowedError,
)
from shared.ids import new_id
from shared.tracing import is_on

from .call_spans import call_span, is_sampled
from .direct_calls import DirectCall, DirectCalls
from .edge import Edge
from .features import require_allowed
from .forwarding import Forwarding
from .headers import value_of
from .large_bodies import LARGE_BODY_BYTES, LargeBodies
from .paths import Place, format_of, place_of
from .wire_format import Asked, Route

__all__ = ["ProxyApplication"]


class ProxyApplication:
    """Answers every call, in the path's own error shape where it refuses one."""

    def __init__(
        self, callers: Callers, forwarding: Forwarding, large_bodies: LargeBodies
    ) -> None:
        self._callers = callers
        self._forwarding = forwarding
        self._large_bodies = large_bodies
        self._direct_calls = DirectCalls(callers, forwarding)

    def directly(self, exchange: Exchange) -> DirectCall | None:
        """Answer a call that needs no task (`http.exchange.InCallbacks`).

        One that is told of needs it: its spans are those of the task.
        """
        direct = self._direct_calls.take(exchange)
        if direct and is_on() and is_sampled(exchange, direct.agent):
            return None
        return direct

    async def serve(self, exchange: Exchange) -> None:
        """Answer one call: an edge, like `shared.http.tell_errors`."""
        request_id = str(new_id())
        bind_contextvars(request_id=request_id)  # of the task, which is this exchange's
        path, _, query = exchange.head.target.decode("latin-1").partition("?")
        try:
            place = place_of(path)
            identify = partial(self._agent, exchange.head, place)
            agent = await identify()
        except AppError as error:
            await exchange.reply(format_of(path).refusal(error, request_id))
            return
        call = _Call(
            exchange,
            place,
            agent,
            identify=identify,
            large_bodies=self._large_bodies,
            request_id=request_id,
        )
        if not is_on():
            await call.answer(self._forwarding, query)
            return
        with call_span(exchange, agent):
            await call.answer(self._forwarding, query)

    def refusal(self, error: AppError, head: RequestHead | None) -> Reply:
        """Word what the HTTP server itself refuses."""
        path = head.target.decode("latin-1") if head else ""
        return format_of(path).refusal(error, str(new_id()))

    async def _agent(self, head: RequestHead, place: Place) -> ModelCaller:
        """Identify who calls, by the token in the path or else by the key."""
        return await self._callers.caller(
            key=place.format.key_of(head.fields),
            url_token=place.token,
            reached_at=head.reached_at,
        )


class _Call:
    """What an agent that was identified asks for.

    *identify* does so again: a body may come long after its head.
    """

    def __init__(
        self,
        exchange: Exchange,
        place: Place,
        agent: ModelCaller,
        *,
        identify: Callable[[], Awaitable[ModelCaller]],
        large_bodies: LargeBodies,
        request_id: str,
    ) -> None:
        self._identify = identify
        self._large_bodies = large_bodies
        self._exchange = exchange
        self._place = place
        self._agent = agent
        self._request_id = request_id
        self._edge = Edge(
            exchange, place.format, agent.agent_type, request_id=request_id
        )

    async def answer(self, forwarding: Forwarding, query: str) -> None:
        await self._edge.around(partial(self._served, forwarding, query))

    async def _served(self, forwarding: Forwarding, query: str) -> None:
        method = self._exchange.head.method.decode()
        route = self._place.format.route_of(method, self._place.path, query)
        if not route.is_model_call:
            await self._edge.reply(self._place.format.models(self._agent.agent_type))
            return
        asked = await self._asked(route)
        self._edge.model = asked.request.model
        allowed = self._agent.agent_type.allowed_models
        if asked.request.model not in allowed:
            raise ModelNotAllowedError(
                "The agent type does not allow this model, but these: "
                f"{', '.join(allowed)}."
            )
        require_allowed(self._agent.agent_type, asked.request.features)
        with self._told_to_the_message():
            await forwarding.forward(
                self._exchange,
                self._agent,
                self._place.format,
                asked,
                request_id=self._request_id,
            )

    @contextmanager
    def _told_to_the_message(self) -> Iterator[None]:
        """Have the message in hand explain itself by what its call was refused for."""
        in_hand = self._agent.in_hand
        try:
            yield
        except AppError as error:
            if in_hand is not None:
                in_hand.failure = refusal_of(error)
            raise

    async def _asked(self, route: Route) -> Asked:
        fields = self._exchange.head.fields
        if value_of(fields, b"content-encoding").lower() not in {"", "identity"}:
            raise MalformedError(
                "Send the body uncompressed, without Content-Encoding."
            )
        is_late = not self._exchange.is_received
        body, read = await self._exchange.body(), self._place.format.read_request
        if is_late:
            self._agent = await self._identify()  # a token may have ended meanwhile
        if len(body) < LARGE_BODY_BYTES:
            return Asked(route, read(route, body), fields)
        return Asked(route, await self._large_bodies.read(read, route, body), fields)
