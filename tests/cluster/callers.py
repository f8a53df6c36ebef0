"""Programs that call a model without pause, at every runner, as far as they may."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from time import monotonic
from typing import Any

import aiohttp

from ag2trust.operator import Operator
from ag2trust_sandbox import Sandbox

__all__ = ["Callers", "allowed"]

_AT_EACH = 2
_PAUSE_SECONDS = 0.05
_CALL_SECONDS = 10.0
_GOES_ON_SECONDS = 150.0
_MINUTE_SECONDS = 60.0
_MAX_TOKENS = 50


@dataclass
class Callers:
    """Some at each of *doors*, all with the token of one agent of *provider*'s.

    *asked* has, for each call by its text, between when and when it was under way.
    """

    provider: Sandbox
    doors: Sequence[str]
    token: str
    asked: dict[str, tuple[float, float]] = field(default_factory=dict)
    _refused: Counter[str] = field(default_factory=Counter)
    _tokens_a_call: int = 0
    _numbers: Iterator[int] = field(default_factory=count)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @asynccontextmanager
    async def busy(self) -> AsyncIterator[None]:
        """Let them call during the block."""
        async with (
            aiohttp.ClientSession(
                headers={"Authorization": f"Bearer {self.token}"},
                timeout=aiohttp.ClientTimeout(total=_CALL_SECONDS),
            ) as session,
            asyncio.TaskGroup() as callers,
        ):
            calling = [
                callers.create_task(self._call_on(session, door))
                for door in self.doors
                for _ in range(_AT_EACH)
            ]
            yield
            for each in calling:
                each.cancel()

    async def pass_through(self, calls: int) -> None:
        """Wait until the provider has seen so many more of them."""
        async with asyncio.timeout(_GOES_ON_SECONDS):
            await self.provider.wait_for_requests(self.provider.request_count + calls)

    async def are_refused(self, code: str) -> None:
        """Wait until one that begins from now on is refused with *code*."""
        wanted = self._refused[code] + _AT_EACH * len(self.doors) + 1
        async with asyncio.timeout(_GOES_ON_SECONDS), self._changed:
            await self._changed.wait_for(lambda: self._refused[code] >= wanted)

    def kept(self, requests_per_minute: int) -> bool:
        """Say whether no minute can have had more, of those that the provider saw.

        Each was let through after it had begun, and before it ended.
        """
        seen = [self.asked[_text_of(each.json)] for each in self.provider.requests]
        begun = sorted(begin for begin, _ in seen)
        ended = sorted(end for _, end in seen)
        return all(
            end - begin >= _MINUTE_SECONDS
            for begin, end in zip(begun, ended[requests_per_minute:], strict=False)
        )

    @property
    def billed_tokens(self) -> int:
        """What the provider bills: each call is as long as the others."""
        return self.provider.request_count * self._tokens_a_call

    async def _call_on(self, session: aiohttp.ClientSession, door: str) -> None:
        while True:
            text, begun = f"{next(self._numbers):06}", monotonic()
            self.asked[text] = (begun, begun + _CALL_SECONDS)
            with suppress(aiohttp.ClientError, TimeoutError):
                await self._call(session, door, text)
            self.asked[text] = (begun, monotonic())
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _call(self, session: aiohttp.ClientSession, door: str, text: str) -> None:
        body = {
            "model": "sandbox-echo",
            "max_tokens": _MAX_TOKENS,
            "messages": [{"role": "user", "content": text}],
        }
        async with session.post(f"{door}/openai/v1/chat/completions", json=body) as got:
            answer = await got.json()
            if got.status == HTTPStatus.OK:
                self._tokens_a_call = answer["usage"]["total_tokens"]
                return
            async with self._changed:
                self._refused[got.headers.get("x-ag2trust-error", "")] += 1
                self._changed.notify_all()


async def allowed(
    operator: Operator,
    provider: Sandbox,
    doors: Sequence[str],
    *,
    requests_per_minute: int | None = None,
    budget: int | None = None,
) -> Callers:
    """Allow callers so much of *provider*, *budget* in tokens a month."""
    name = f"called-{provider.port}"
    limits = {"requests_per_minute": requests_per_minute}
    made = await operator.made(
        "/api/providers",
        {
            "name": name,
            "type": "openai",
            "base_url": provider.base_url,
            "api_key": "sk-any",
            "limits": {each: limit for each, limit in limits.items() if limit},
        },
    )
    if budget is not None:
        await operator.made(
            "/api/budgets",
            {
                "name": name,
                "scope": {"kind": "provider", "id": made["id"]},
                "tokens": budget,
                "period": "month",
                "time_zone": "UTC",
            },
        )
    agent_type = await operator.made(
        "/api/agent-types",
        {
            "name": name,
            "slug": name,
            "provider_id": made["id"],
            "model": "sandbox-echo",
            "runtime": "external",
        },
    )
    agent = await operator.made(
        "/api/agents", {"name": name, "agent_type_id": agent_type["id"]}
    )
    return Callers(provider, doors, agent["agent_token"])


def _text_of(body: Any) -> str:
    text: str = body["messages"][-1]["content"]
    return text
