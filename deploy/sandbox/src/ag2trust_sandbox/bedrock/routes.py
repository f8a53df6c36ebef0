"""Bedrock's operations: who may ask, and which step answers."""

import json
from datetime import UTC, datetime

from aiohttp import web

from ag2trust_sandbox.catalogue import step_for_call, step_for_lookup
from ag2trust_sandbox.sandbox import Sandbox
from ag2trust_sandbox.script import Step
from ag2trust_sandbox.sending import send
from ag2trust_sandbox.stamp import new_stamp

from .converse import ConverseRequest, converse_reply, converse_stream_reply
from .credentials import CredentialsCheck
from .invoke import invoke_reply, invoke_stream_reply, read_invocation
from .models import ProfilesPage, model_reply, models_reply, profiles_reply
from .parsing import parse
from .signature import SignedRequest

__all__ = ["BedrockRoutes"]


class BedrockRoutes:
    """Each answers with the script's next step, or else by the model's name."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._credentials = CredentialsCheck(
            key_pairs=sandbox.key_pairs, accepts_key=sandbox.accepts
        )

    @property
    def table(self) -> tuple[web.RouteDef, ...]:
        model, models = "/bedrock/model/{model}", "/bedrock/foundation-models"
        profiles = "/bedrock/inference-profiles"
        return (
            web.post(f"{model}/converse", self.converse),
            web.post(f"{model}/converse-stream", self.converse_stream),
            web.post(f"{model}/invoke", self.invoke),
            web.post(f"{model}/invoke-with-response-stream", self.invoke_stream),
            web.get(models, self.list_models, allow_head=False),
            web.get(f"{models}/{{model}}", self.get_model, allow_head=False),
            web.get(profiles, self.list_profiles, allow_head=False),
        )

    async def converse(self, request: web.Request) -> web.StreamResponse:
        await self._check(request)
        asked = parse(ConverseRequest, await request.read())
        step = self._step_for_call(request)
        return await send(request, converse_reply(asked, step, new_stamp()))

    async def converse_stream(self, request: web.Request) -> web.StreamResponse:
        await self._check(request)
        asked = parse(ConverseRequest, await request.read())
        step = self._step_for_call(request)
        return await send(request, converse_stream_reply(asked, step, new_stamp()))

    async def invoke(self, request: web.Request) -> web.StreamResponse:
        await self._check(request)
        model, stamp = request.match_info["model"], new_stamp()
        asked = read_invocation(model, await request.read())
        step = self._step_for_call(request)
        invocation = asked.answered(model, step, stamp)
        return await send(request, invoke_reply(invocation, step, stamp))

    async def invoke_stream(self, request: web.Request) -> web.StreamResponse:
        await self._check(request)
        model, stamp = request.match_info["model"], new_stamp()
        asked = read_invocation(model, await request.read())
        step = self._step_for_call(request)
        invocation = asked.answered(model, step, stamp)
        return await send(request, invoke_stream_reply(invocation, step, stamp))

    async def list_models(self, request: web.Request) -> web.StreamResponse:
        region = await self._check(request)
        step = self._sandbox.take_step() or Step()
        return await send(request, models_reply(region, step, new_stamp()))

    async def list_profiles(self, request: web.Request) -> web.StreamResponse:
        region = await self._check(request)
        page = parse(ProfilesPage, json.dumps(dict(request.query)).encode())
        step = self._sandbox.take_step() or Step()
        return await send(request, profiles_reply(region, page, step, new_stamp()))

    async def get_model(self, request: web.Request) -> web.StreamResponse:
        region = await self._check(request)
        model = request.match_info["model"]
        step = self._sandbox.take_step() or step_for_lookup(model)
        return await send(request, model_reply(model, region, step, new_stamp()))

    def _step_for_call(self, request: web.Request) -> Step:
        return self._sandbox.take_step() or step_for_call(request.match_info["model"])

    async def _check(self, request: web.Request) -> str:
        """Check the credentials; returns the region asked."""
        path, _, query = request.raw_path.partition("?")
        signed = SignedRequest(
            method=request.method,
            path=path,
            query=query,
            headers={
                name.lower(): ",".join(request.headers.getall(name))
                for name in request.headers
            },
            body=await request.read(),
        )
        return self._credentials.check(signed, now=datetime.now(UTC))
