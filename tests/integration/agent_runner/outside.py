"""An installation whose runners listen for external agents, and calls of theirs."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from openai import APIStatusError, AsyncOpenAI

from ag2trust.ports import free_port
from ag2trust.testing import Stack
from ag2trust.waiting import until
from ag2trust_sandbox import Sandbox
from shared.agent_tokens import hash_token, new_token
from shared.contracts.agent_runner import (
    CREATE_AGENT,
    REPLACE_TOKEN,
    Agent,
    CreateAgent,
    ReplaceToken,
)
from shared.ids import new_id

from .neighbours import FakeRuntime
from .runner_house import ACTOR, House, running

__all__ = ["Outside", "call", "refusal", "refused"]

_HELLO: Any = [{"role": "user", "content": "Hello!"}]


@dataclass
class Outside:
    """An installation whose runners listen for external agents."""

    stack: Stack
    house: House
    sandbox: Sandbox

    def runner(self, name: str, **more: Any) -> AbstractAsyncContextManager[None]:
        settings = {
            "name": name,
            "state_folder": self.stack.folder / name,
            "proxy_port": free_port(),
            "external_port": free_port(),
            **more,
        }
        return running(self.stack, FakeRuntime(), **settings)

    async def made(self, name: str = "ada", **fields: Any) -> tuple[Agent, str]:
        """Make an external agent; return it with its token."""
        token = new_token()
        question = CreateAgent(
            org_id=self.house.org_id,
            actor=ACTOR,
            agent_id=new_id(),
            name=name,
            agent_type_id=await self.made_type(name, **fields),
            token_hash=hash_token(token),
        )
        return await self.house.bus.ask(CREATE_AGENT, question), token

    async def made_type(self, name: str, **fields: Any) -> UUID:
        return await self.house.make_agent_type(name, runtime="external", **fields)

    async def tell(self, endpoint: Any, agent: Agent) -> Any:
        return await self.house.bus.ask(endpoint, self.house.question(agent.id))

    async def give(self, agent: Agent, token: str | None) -> Agent:
        return await self.house.bus.ask(
            REPLACE_TOKEN,
            ReplaceToken(
                org_id=self.house.org_id,
                actor=ACTOR,
                agent_id=agent.id,
                token_hash=hash_token(token) if token else None,
            ),
        )


async def call(agent: Agent, token: str, *, port: int | None = None) -> str:
    """Make a model call with the official SDK; *port* is that of another runner."""
    assert agent.base_urls
    url = agent.base_urls.openai
    if port is not None:
        url = f"http://127.0.0.1:{port}/openai/v1"
    async with AsyncOpenAI(base_url=url, api_key=token, max_retries=0) as client:
        answer = await client.chat.completions.create(model="gpt-4o", messages=_HELLO)
    return answer.choices[0].message.content or ""


async def refusal(agent: Agent, token: str, *, port: int | None = None) -> str | None:
    """Return the code that a call is refused with, or None if it is answered."""
    try:
        await call(agent, token, port=port)
    except APIStatusError as error:
        code: str = error.response.headers["x-ag2trust-error"]
        return code
    return None


async def refused(agent: Agent, token: str) -> None:
    """Wait until the token counts no more."""
    await until(
        "a token refused",
        lambda: refusal(agent, token),
        lambda code: code == "INVALID_AGENT_TOKEN",
    )
