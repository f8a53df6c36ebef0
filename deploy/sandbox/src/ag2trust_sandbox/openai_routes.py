"""OpenAI's endpoints: who may ask, and which step answers."""

import time
import uuid
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from .catalogue import step_for_call, step_for_lookup
from .openai_chat import ChatRequest, chat_reply
from .openai_embeddings import EmbeddingsRequest, embeddings_reply
from .openai_errors import RefusalError
from .openai_models import model_reply, models_reply
from .openai_parsing import parse
from .openai_wire import Stamp, error_reply
from .sandbox import Sandbox
from .script import ErrorDetail, Step
from .sending import send

__all__ = ["OpenAIRoutes", "tell_refusals"]

_LONG_KEY: Final = 24
_NO_KEY: Final = (
    "You didn't provide an API key. You need to provide your API key in an "
    "Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
)


class OpenAIRoutes:
    """Each answers with the script's next step, or else by the model's name."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    @property
    def table(self) -> tuple[web.RouteDef, ...]:
        return (
            web.post("/v1/chat/completions", self.create_chat_completion),
            web.post("/v1/embeddings", self.create_embeddings),
            web.get("/v1/models", self.list_models, allow_head=False),
            web.get("/v1/models/{model}", self.retrieve_model, allow_head=False),
        )

    async def create_chat_completion(self, request: web.Request) -> web.StreamResponse:
        self._check_key(request)
        chat = parse(ChatRequest, await request.read())
        step = self._sandbox.take_step() or step_for_call(chat.model)
        return await send(request, chat_reply(chat, step, _stamp()))

    async def create_embeddings(self, request: web.Request) -> web.StreamResponse:
        self._check_key(request)
        asked = parse(EmbeddingsRequest, await request.read())
        step = self._sandbox.take_step() or step_for_call(asked.model)
        return await send(request, embeddings_reply(asked, step, _stamp()))

    async def list_models(self, request: web.Request) -> web.StreamResponse:
        self._check_key(request)
        step = self._sandbox.take_step() or Step()
        return await send(request, models_reply(step, _stamp()))

    async def retrieve_model(self, request: web.Request) -> web.StreamResponse:
        self._check_key(request)
        model = request.match_info["model"]
        step = self._sandbox.take_step() or step_for_lookup(model)
        return await send(request, model_reply(model, step, _stamp()))

    def _check_key(self, request: web.Request) -> None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise RefusalError(
                Step(status=401, error=ErrorDetail(message=_NO_KEY, code=None))
            )
        if not self._sandbox.accepts(key):
            message = f"Incorrect API key provided: {_masked(key)}."
            raise RefusalError(Step(status=401, error=ErrorDetail(message=message)))


@web.middleware
async def tell_refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer refusals, and paths and methods there are not, as OpenAI does."""
    try:
        return await handler(request)
    except RefusalError as refusal:
        step = refusal.step
    except web.HTTPException as error:
        step = _step_for_http(request, error)
    return await send(request, error_reply(step, _stamp()))


def _step_for_http(request: web.Request, error: web.HTTPException) -> Step:
    messages = {
        404: f"Invalid URL ({request.method} {request.path})",
        405: f"Not allowed to {request.method} on {request.path}.",
    }
    message = messages.get(error.status, f"{error.reason}.")
    return Step(status=error.status, error=ErrorDetail(message=message, code=None))


def _masked(key: str) -> str:
    """Show as much of a key as OpenAI's own answer does."""
    return f"{key[:8]}********{key[-4:]}" if len(key) >= _LONG_KEY else "********"


def _stamp() -> Stamp:
    return Stamp(id=uuid.uuid4().hex, created=int(time.time()))
