"""AWS's official client, which blocks, for tests that must not."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, TypeVar

import boto3
from botocore.config import Config

from ag2trust_sandbox import EXAMPLE_KEY_PAIR, Sandbox
from agent_runner.leases import HeldLease
from shared.contracts.credentials import ProviderType

from .proxying import Proxy, lease_of

__all__ = [
    "CLAUDE",
    "HELLO_BODY",
    "PAIR",
    "bedrock_client",
    "bedrock_lease",
    "converse_streamed",
    "conversed",
    "in_thread",
    "invoke_streamed",
    "invoked",
]

CLAUDE = "anthropic.claude-3-5-sonnet-20241022-v2:0"
PAIR = {
    "aws_access_key_id": EXAMPLE_KEY_PAIR.access_key_id,
    "aws_secret_access_key": EXAMPLE_KEY_PAIR.secret_access_key,
}
HELLO_BODY: dict[str, Any] = {
    "anthropic_version": "bedrock-2023-05-31",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Hi"}],
}
_HELLO = [{"role": "user", "content": [{"text": "Hi"}]}]
_SESSION = boto3.Session()  # reading its service models takes longer than all else

ResultT = TypeVar("ResultT")


def bedrock_lease(sandbox: Sandbox, **more: Any) -> HeldLease:
    given = {
        "provider_type": ProviderType.BEDROCK,
        "aws_region": "us-east-1",
        "fields": PAIR,
    }
    return lease_of(sandbox.bedrock_endpoint_url, **given | more)


@contextmanager
def bedrock_client(
    proxy: Proxy,
    *,
    keys: dict[str, str] | None = None,
    path: str | None = None,
    attempts: int = 1,
    read_timeout: float = 60,
) -> Iterator[Any]:
    """Open a client as the agent has it, but that it tries once."""
    client = _SESSION.client(
        "bedrock-runtime",
        endpoint_url=proxy.bedrock_url if path is None else f"{proxy.origin}{path}",
        region_name="us-east-1",
        config=Config(
            read_timeout=read_timeout,
            retries={"mode": "standard", "total_max_attempts": attempts},
        ),
        **(keys or PAIR),
    )
    try:
        yield client
    finally:
        client.close()


async def in_thread(act: Callable[[], ResultT]) -> ResultT:
    return await asyncio.to_thread(act)


async def conversed(client: Any, **more: Any) -> dict[str, Any]:
    given = {"modelId": CLAUDE, "messages": _HELLO, **more}
    answer: dict[str, Any] = await in_thread(lambda: client.converse(**given))
    return answer


async def converse_streamed(client: Any, **more: Any) -> list[dict[str, Any]]:
    """Read a conversation to its end."""
    given = {"modelId": CLAUDE, "messages": _HELLO, **more}

    def ask() -> list[dict[str, Any]]:
        with closing(client.converse_stream(**given)["stream"]) as stream:
            return list(stream)

    return await in_thread(ask)


async def invoked(
    client: Any, body: dict[str, Any] = HELLO_BODY, model: str = CLAUDE
) -> dict[str, Any]:
    def ask() -> dict[str, Any]:
        answer = client.invoke_model(modelId=model, body=json.dumps(body))
        said: dict[str, Any] = json.loads(answer["body"].read())
        return said

    return await in_thread(ask)


async def invoke_streamed(
    client: Any, body: dict[str, Any] = HELLO_BODY, model: str = CLAUDE
) -> list[dict[str, Any]]:
    """Read an invocation to its end; give the model's own chunks."""

    def ask() -> list[dict[str, Any]]:
        answer = client.invoke_model_with_response_stream(
            modelId=model, body=json.dumps(body)
        )
        with closing(answer["body"]) as stream:
            return [json.loads(event["chunk"]["bytes"]) for event in stream]

    return await in_thread(ask)
