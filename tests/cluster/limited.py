"""An agent that wants the same page with every message, more often than it may."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic

from ag2trust.operator import Operator
from ag2trust_sandbox import Sandbox, Step, ToolCall
from ag2trust_sandbox import serving as sandbox_serving

from ..unit.shared.foreign_site import Site, serving  # noqa: TID252 - no package
from .steady import Steady

__all__ = ["Limited", "limited_agent"]

_ALLOWED = 3  # HTTP requests of an agent a minute, unless its type says more
_MINUTE_SECONDS = 60.0
_MOST_MESSAGES = 100
_PAGE = "/page"


@dataclass
class Limited:
    """*fetched* has, for each time the page was asked for, between when and when."""

    traffic: Steady
    site: Site
    provider: Sandbox
    fetched: list[tuple[float, float]] = field(default_factory=list)

    async def wants_more(self) -> None:
        """Let it try once more than it may in a minute."""
        [agent] = self.traffic.agents
        for number in range(_ALLOWED + 1):
            begun, before = monotonic(), len(self.site.asked)
            await self.traffic.exchange(agent, f"{before}, {number}")
            new = len(self.site.asked) - before
            self.fetched += [(begun, monotonic())] * new

    def kept_its_limit(self) -> bool:
        """Say whether no minute can have had more than it may.

        Its request was allowed after its message was sent, and made before the answer.
        """
        return len(self.fetched) >= _ALLOWED and all(
            ended - begun >= _MINUTE_SECONDS
            for (begun, _), (_, ended) in zip(
                self.fetched, self.fetched[_ALLOWED:], strict=False
            )
        )


@asynccontextmanager
async def limited_agent(operator: Operator) -> AsyncIterator[Limited]:
    """Run one, with a provider of its own whose model always wants the page."""
    async with sandbox_serving() as provider, serving() as site:
        site.bodies[_PAGE] = b"A page."
        wish = ToolCall(
            name="http_request", arguments=json.dumps({"url": site.url(_PAGE)})
        )
        provider.play(*[Step(tool_calls=(wish,)), Step()] * _MOST_MESSAGES)
        made = await operator.running_agent(
            provider.base_url,
            "sk-any",
            name="limited",
            tools=[{"name": "http_request", "hosts": [f"127.0.0.1:{site.port}"]}],
        )
        traffic = Steady(operator, [made["agent_id"]])
        yield Limited(traffic, site, provider)
