"""One streamed chat completion at a time: the only module that imports the SDK."""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

import openai
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

from .environment import required
from .errors import ModelCallError
from .protocol import Configuration, Message, Turn

__all__ = ["Model", "connect"]

T = TypeVar("T")


class Model:
    def __init__(
        self, client: openai.AsyncOpenAI, configuration: Configuration
    ) -> None:
        self._client = client
        self._configuration = configuration

    async def answer(self, message: Message) -> AsyncGenerator[str, None]:
        """Stream the answer's text, piece by piece; raises `ModelCallError`."""
        try:
            async with await self._ask(message) as stream:
                async for piece in _pieces(stream):
                    yield piece
        except openai.OpenAIError as error:
            raise _explained(error) from error
        # The SDK does not validate the frames of a stream.
        except (AttributeError, TypeError, ValueError) as error:
            raise ModelCallError(
                "PROVIDER_ERROR", "The model's answer was malformed."
            ) from error

    async def _ask(self, message: Message) -> openai.AsyncStream[ChatCompletionChunk]:
        configured = self._configuration
        return await self._client.chat.completions.create(
            model=configured.model,
            messages=_conversation(configured.system_prompt, message),
            temperature=_given(configured.temperature),
            # `max_tokens` is the old name, which reasoning models refuse.
            max_completion_tokens=_given(configured.max_tokens),
            stream=True,
        )


@asynccontextmanager
async def connect(configuration: Configuration) -> AsyncIterator[Model]:
    """Open the model at `OPENAI_BASE_URL` with `OPENAI_API_KEY`.

    Both must be set: without an address the SDK would go around the runner's proxy.
    No proxy of the environment is used, since it would see the token in the address.
    """
    http = openai.DefaultAsyncHttpx2Client(trust_env=False)
    async with openai.AsyncOpenAI(
        api_key=required("OPENAI_API_KEY"),
        base_url=required("OPENAI_BASE_URL"),
        http_client=http,
    ) as client:
        yield Model(client, configuration)


async def _pieces(
    stream: openai.AsyncStream[ChatCompletionChunk],
) -> AsyncIterator[str]:
    finished: str | None = None
    async for chunk in stream:
        for choice in chunk.choices:
            finished = choice.finish_reason or finished
            if text := choice.delta.content or choice.delta.refusal:
                yield _well_formed(text)
    _check_finish(finished)


def _well_formed(text: str) -> str:
    """Replace halves of surrogate pairs, which JSON can spell and UTF-8 cannot."""
    return text.encode(errors="replace").decode()


def _check_finish(reason: str | None) -> None:
    """Raise where the SDK is content: a stream cut short between frames, say."""
    if reason is None:
        raise ModelCallError("PROVIDER_ERROR", "The model's answer broke off.")
    if reason == "content_filter":
        raise ModelCallError(
            "CONTENT_FILTERED", "The provider's content filter stopped the answer."
        )


def _conversation(
    system_prompt: str, message: Message
) -> list[ChatCompletionMessageParam]:
    system: list[ChatCompletionMessageParam] = (
        [{"role": "system", "content": system_prompt}] if system_prompt else []
    )
    asked = Turn(role="user", content=message.content)
    return system + [_turn(each) for each in (*message.history, asked)]


def _turn(turn: Turn) -> ChatCompletionMessageParam:
    if turn.role == "user":
        return {"role": "user", "content": turn.content}
    return {"role": "assistant", "content": turn.content}


def _given(value: T | None) -> T | openai.Omit:
    return openai.omit if value is None else value


_EXPLANATIONS: dict[type[openai.OpenAIError], tuple[str, str]] = {
    openai.APITimeoutError: (
        "TIMEOUT",
        "The model did not answer in time",
    ),
    openai.APIConnectionError: (
        "UPSTREAM_UNREACHABLE",
        "The connection to the model failed",
    ),
    openai.BadRequestError: (
        "INVALID_REQUEST",
        "The provider found the request invalid",
    ),
    openai.AuthenticationError: (
        "INVALID_API_KEY",
        "The credentials were not accepted",
    ),
    openai.PermissionDeniedError: (
        "PERMISSION_DENIED",
        "This model call is not permitted",
    ),
    openai.NotFoundError: (
        "MODEL_NOT_AVAILABLE",
        "The provider does not have this model",
    ),
    openai.UnprocessableEntityError: (
        "INVALID_REQUEST",
        "The provider found the request invalid",
    ),
    openai.RateLimitError: (
        "RATE_LIMITED",
        "No more model calls are allowed for now",
    ),
    openai.InternalServerError: (
        "PROVIDER_ERROR",
        "The provider failed",
    ),
    openai.OpenAIError: (
        "PROVIDER_ERROR",
        "The model call failed",
    ),
}
"""By class of the SDK's exception, the narrower before the wider."""

_PLAIN_WORD = re.compile(r"[A-Za-z_]{1,64}")
"""An error code such as `insufficient_quota`; a key or an address does not match."""


def _explained(error: openai.OpenAIError) -> ModelCallError:
    """Say what kind of failure *error* is, without a word the other side chose."""
    code, what = next(
        explanation
        for kind, explanation in _EXPLANATIONS.items()
        if isinstance(error, kind)
    )
    facts = ", ".join(_facts(error))
    return ModelCallError(code, f"{what} ({facts})." if facts else f"{what}.")


def _facts(error: openai.OpenAIError) -> list[str]:
    facts = []
    if isinstance(error, openai.APIStatusError):
        facts.append(f"HTTP {error.status_code}")
    if isinstance(error, openai.APIError) and _PLAIN_WORD.fullmatch(error.code or ""):
        facts.append(str(error.code))
    return facts
