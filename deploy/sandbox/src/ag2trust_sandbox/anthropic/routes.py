"""Anthropic's endpoints: who may ask, and which step answers."""

import json
from typing import Final

from aiohttp import web

from ag2trust_sandbox.catalogue import step_for_call, step_for_lookup
from ag2trust_sandbox.keys import bearer_key
from ag2trust_sandbox.refusal import RefusalError
from ag2trust_sandbox.sandbox import Sandbox
from ag2trust_sandbox.script import ErrorDetail, Step
from ag2trust_sandbox.sending import send
from ag2trust_sandbox.stamp import new_stamp

from .counting import CountRequest, count_reply
from .messages import MessagesRequest, message_reply, refuse_sampling
from .models import ModelsPage, model_reply, models_reply
from .parsing import parse

__all__ = ["AnthropicRoutes"]

_WITHOUT_SAMPLING: Final = "2026-10-21"
_VERSIONS: Final = frozenset({"2023-01-01", "2023-06-01", _WITHOUT_SAMPLING})


class AnthropicRoutes:
    """Each answers with the script's next step, or else by the model's name."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    @property
    def table(self) -> tuple[web.RouteDef, ...]:
        messages, models = "/anthropic/v1/messages", "/anthropic/v1/models"
        return (
            web.post(messages, self.create_message),
            web.post(f"{messages}/count_tokens", self.count_tokens),
            web.get(models, self.list_models, allow_head=False),
            web.get(f"{models}/{{model}}", self.retrieve_model, allow_head=False),
        )

    async def create_message(self, request: web.Request) -> web.StreamResponse:
        version = self._check(request)
        asked = parse(MessagesRequest, await request.read())
        if version == _WITHOUT_SAMPLING:
            refuse_sampling(asked)
        step = self._sandbox.take_step() or step_for_call(asked.model)
        return await send(request, message_reply(asked, step, new_stamp()))

    async def count_tokens(self, request: web.Request) -> web.StreamResponse:
        self._check(request)
        asked = parse(CountRequest, await request.read())
        step = self._sandbox.take_step() or step_for_lookup(asked.model)
        return await send(request, count_reply(asked, step, new_stamp()))

    async def list_models(self, request: web.Request) -> web.StreamResponse:
        self._check(request)
        page = parse(ModelsPage, json.dumps(dict(request.query)).encode())
        step = self._sandbox.take_step() or Step()
        return await send(request, models_reply(page, step, new_stamp()))

    async def retrieve_model(self, request: web.Request) -> web.StreamResponse:
        self._check(request)
        model = request.match_info["model"]
        step = self._sandbox.take_step() or step_for_lookup(model)
        return await send(request, model_reply(model, step, new_stamp()))

    def _check(self, request: web.Request) -> str:
        """Check key and version; returns the latter."""
        key = _only_key(request)
        if not self._sandbox.accepts(key):
            raise _refusal(401, "invalid x-api-key")
        version = request.headers.get("anthropic-version")
        if version is None:
            raise _refusal(400, "anthropic-version: header is required")
        if version not in _VERSIONS:
            raise _refusal(400, f"anthropic-version: {version!r} is not a version")
        return version


def _only_key(request: web.Request) -> str:
    keys = (request.headers.get("x-api-key"), bearer_key(request.headers))
    match [key for key in keys if key]:
        case [key]:
            return key
        case []:
            raise _refusal(401, "x-api-key header is required")
        case _:
            raise _refusal(401, "x-api-key and Authorization must not both be sent")


def _refusal(status: int, message: str) -> RefusalError:
    return RefusalError(Step(status=status, error=ErrorDetail(message=message)))
