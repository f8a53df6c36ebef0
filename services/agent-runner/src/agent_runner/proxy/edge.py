"""The edge of a call: whatever fails is answered in the words of the path's format."""

from collections.abc import Awaitable, Callable

import structlog

from agent_runner.http.exchange import Exchange
from agent_runner.http.messages import Reply
from shared.contracts.agent_types import AgentType
from shared.errors import AppError

from .headers import signature
from .wire_format import WireFormat

__all__ = ["Edge"]

log = structlog.get_logger(__name__)


class Edge:
    """Answers for the provider, which was not asked, or of whose answer none passed.

    *model* is the one that was asked for, as soon as that is known.
    """

    def __init__(
        self,
        exchange: Exchange,
        wire_format: WireFormat,
        agent_type: AgentType,
        *,
        request_id: str,
        model: str = "",
    ) -> None:
        self.model = model
        self._exchange = exchange
        self._format = wire_format
        self._agent_type = agent_type
        self._request_id = request_id

    async def around(self, serve: Callable[[], Awaitable[None]]) -> None:
        """Answer with what *serve* raises; like `shared.http.tell_errors`."""
        try:
            await serve()
        except AppError as error:
            await self._refuse(error)
        except Exception:
            log.exception("proxy.failed")
            await self._refuse(AppError())

    async def reply(self, reply: Reply) -> None:
        names = {name for name, _ in reply.fields}
        provider_id = self._agent_type.provider_id
        ours = (
            (b"x-request-id", self._request_id.encode()),
            *signature(provider_id, self.model, attempts=0),
        )
        more = [field for field in ours if field[0] not in names]
        await self._exchange.reply(
            Reply(reply.status, [*reply.fields, *more], reply.body)
        )

    async def _refuse(self, error: AppError) -> None:
        if not self._exchange.has_begun:
            await self.reply(self._format.refusal(error, self._request_id))
