"""OpenAI's endpoints: who may ask, and which step answers."""

from typing import Final

from aiohttp import web

from ag2trust_sandbox.catalogue import step_for_call, step_for_lookup
from ag2trust_sandbox.keys import bearer_key
from ag2trust_sandbox.refusal import RefusalError
from ag2trust_sandbox.sandbox import Sandbox
from ag2trust_sandbox.script import ErrorDetail, Step
from ag2trust_sandbox.sending import send
from ag2trust_sandbox.stamp import new_stamp

from .chat import ChatRequest, chat_reply
from .embeddings import EmbeddingsRequest, embeddings_reply
from .models import model_reply, models_reply
from .parsing import parse
from .responses import ResponsesRequest, responses_reply

__all__ = ["OpenAIRoutes"]

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
            web.post("/v1/responses", self.create_response),
            web.post("/v1/embeddings", self.create_embeddings),
            web.get("/v1/models", self.list_models, allow_head=False),
            web.get("/v1/models/{model}", self.retrieve_model, allow_head=False),
        )

    async def create_chat_completion(self, request: web.Request) -> web.StreamResponse:
        self._check_key(request)
        chat = parse(ChatRequest, await request.read())
        step = self._sandbox.take_step() or step_for_call(chat.model)
        return await send(request, chat_reply(chat, step, new_stamp()))

    async def create_response(self, request: web.Request) -> web.StreamResponse:
        self._check_key(request)
        asked = parse(ResponsesRequest, await request.read())
        step = self._sandbox.take_step() or step_for_call(asked.model)
        return await send(request, responses_reply(asked, step, new_stamp()))

    async def create_embeddings(self, request: web.Request) -> web.StreamResponse:
        self._check_key(request)
        asked = parse(EmbeddingsRequest, await request.read())
        step = self._sandbox.take_step() or step_for_call(asked.model)
        return await send(request, embeddings_reply(asked, step, new_stamp()))

    async def list_models(self, request: web.Request) -> web.StreamResponse:
        self._check_key(request)
        step = self._sandbox.take_step() or Step()
        return await send(request, models_reply(step, new_stamp()))

    async def retrieve_model(self, request: web.Request) -> web.StreamResponse:
        self._check_key(request)
        model = request.match_info["model"]
        step = self._sandbox.take_step() or step_for_lookup(model)
        return await send(request, model_reply(model, step, new_stamp()))

    def _check_key(self, request: web.Request) -> None:
        key = bearer_key(request.headers)
        if key is None:
            raise RefusalError(
                Step(status=401, error=ErrorDetail(message=_NO_KEY, code=None))
            )
        if not self._sandbox.accepts(key):
            message = f"Incorrect API key provided: {_masked(key)}."
            raise RefusalError(Step(status=401, error=ErrorDetail(message=message)))


def _masked(key: str) -> str:
    """Show as much of a key as OpenAI's own answer does."""
    return f"{key[:8]}********{key[-4:]}" if len(key) >= _LONG_KEY else "********"
