"""`/providers`: what credentials keeps; a secret passes here sealed at once."""

from aiohttp import web

from gateway.authentication import principal_of
from gateway.iam_policies import PolicyQuery, policy_answer
from gateway.reading import id_in_path, if_match, page_question, query_of
from gateway.replying import reply_created, reply_versioned
from gateway.submissions import sealed_to
from shared.bus import Bus
from shared.contracts.agent_runner import MODELS_IN_USE, ModelsQuestion
from shared.contracts.credentials import (
    CREATE_PROVIDER,
    DELETE_PROVIDER,
    GET_PROVIDER,
    LIST_PROVIDERS,
    UPDATE_PROVIDER,
    CreateProvider,
    ProviderPatch,
    ProviderQuestion,
    ProviderSubmission,
    UpdateProvider,
)
from shared.errors import ProviderNotFoundError
from shared.http import read_json, reply_json
from shared.identity import PublicIdentity
from shared.ids import new_id

__all__ = ["ProviderRoutes"]


class ProviderRoutes:
    """*credentials* is whom submissions are sealed to."""

    def __init__(self, bus: Bus, *, credentials: PublicIdentity) -> None:
        self._bus = bus
        self._credentials = credentials

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/providers", self._list),
            web.post("/providers", self._create),
            web.get("/providers/{id}", self._show),
            web.patch("/providers/{id}", self._update),
            web.delete("/providers/{id}", self._delete),
            web.get("/providers/{id}/iam-policy", self._iam_policy),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        return reply_json(await self._bus.ask(LIST_PROVIDERS, page_question(request)))

    async def _create(self, request: web.Request) -> web.Response:
        who = principal_of(request)
        submission = await read_json(request, ProviderSubmission)
        provider_id = new_id()
        question = CreateProvider(
            org_id=who.org_id,
            actor=who.actor,
            provider_id=provider_id,
            sealed=sealed_to(
                self._credentials,
                submission,
                org_id=who.org_id,
                provider_id=provider_id,
            ),
        )
        provider = await self._bus.ask(CREATE_PROVIDER, question)
        return reply_created(request, provider)

    async def _show(self, request: web.Request) -> web.Response:
        provider = await self._bus.ask(GET_PROVIDER, _question(request))
        return reply_versioned(provider)

    async def _update(self, request: web.Request) -> web.Response:
        about = _question(request)
        patch = await read_json(request, ProviderPatch)
        sealed = sealed_to(
            self._credentials,
            patch,
            org_id=about.org_id,
            provider_id=about.provider_id,
        )
        question = UpdateProvider(
            org_id=about.org_id,
            actor=about.actor,
            provider_id=about.provider_id,
            sealed=sealed,
            if_version=if_match(request),
        )
        provider = await self._bus.ask(UPDATE_PROVIDER, question)
        return reply_versioned(provider)

    async def _delete(self, request: web.Request) -> web.Response:
        await self._bus.ask(DELETE_PROVIDER, _question(request))
        return web.Response(status=204)

    async def _iam_policy(self, request: web.Request) -> web.Response:
        """Make the policy for the models the query names, else for those in use."""
        about, query = _question(request), query_of(request, PolicyQuery)
        provider = await self._bus.ask(GET_PROVIDER, about)
        models = query.named_models
        if models is None:
            models = await self._models_in_use(about)
        return reply_json(policy_answer(provider, models, account=query.account))

    async def _models_in_use(self, about: ProviderQuestion) -> list[str]:
        question = ModelsQuestion(
            org_id=about.org_id, actor=about.actor, provider_id=about.provider_id
        )
        return (await self._bus.ask(MODELS_IN_USE, question)).models


def _question(request: web.Request) -> ProviderQuestion:
    who = principal_of(request)
    return ProviderQuestion(
        org_id=who.org_id,
        actor=who.actor,
        provider_id=id_in_path(request, ProviderNotFoundError),
    )
