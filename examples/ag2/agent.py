"""An agent of AG2 with a tool of its own, answering for Ag2Trust.

AG2 speaks OpenAI's format, so its model is asked through the runner's proxy with the
address and the key that the environment has. The tool runs here, in the container.
"""

import asyncio
import os
from typing import Any

import httpx
from ag2 import Agent, MemoryStream, tool
from ag2.config import OpenAIConfig
from ag2.events import ModelMessage, ModelRequest, ModelResponse, TextInput

_NEXT_SECONDS = 25
_PATIENCE_SECONDS = 40


@tool
async def count_words(text: str) -> str:
    """Count the words of a text."""
    return str(len(text.split()))


async def main() -> None:
    async with httpx.AsyncClient(
        base_url=os.environ["AG2TRUST_AGENT_URL"],
        headers={"Authorization": f"Bearer {os.environ['AG2TRUST_AGENT_TOKEN']}"},
        timeout=_PATIENCE_SECONDS,
        trust_env=False,
    ) as runner:
        configuration = await runner.get("/agent/v1/configuration")
        agent = _agent(configuration.raise_for_status().json())
        while True:
            found = await runner.get(
                "/agent/v1/next", params={"wait_seconds": _NEXT_SECONDS}
            )
            if found.status_code == httpx.codes.NO_CONTENT:
                continue
            message = found.raise_for_status().json()
            await runner.post(
                f"/agent/v1/messages/{message['message_id']}/reply",
                json=await _reply(agent, message),
            )


def _agent(configuration: dict[str, Any]) -> Agent[Any]:
    return Agent(
        configuration["name"],
        prompt=configuration["system_prompt"],
        config=OpenAIConfig(
            model=configuration["model"], base_url=os.environ["OPENAI_BASE_URL"]
        ),
        tools=[count_words],
    )


async def _reply(agent: Agent[Any], message: dict[str, Any]) -> dict[str, Any]:
    """Answer, or say in our own words that it did not work: theirs may hold a key."""
    try:
        answer = await agent.ask(
            message["content"], stream=await _conversation(message["history"])
        )
    except Exception as error:  # noqa: BLE001 - the message fails, not the agent
        name = type(error).__name__
        failure = {"code": name, "message": f"AG2 could not answer ({name})."}
        return {"status": "failed", "error": failure}
    return {"status": "completed", "content": answer.body or ""}


async def _conversation(history: list[dict[str, str]]) -> MemoryStream:
    """Make of the thread's earlier turns what AG2 takes for the past."""
    stream = MemoryStream()
    await stream.history.replace(
        [
            ModelRequest([TextInput(turn["content"])])
            if turn["role"] == "user"
            else ModelResponse(ModelMessage(turn["content"]))
            for turn in history
        ]
    )
    return stream


if __name__ == "__main__":
    asyncio.run(main())
