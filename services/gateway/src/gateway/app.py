"""Where the parts of the gateway meet. Read this first."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
)
from datetime import timedelta
from functools import cache, partial
from importlib import metadata
from pathlib import Path

import structlog
from aiohttp import web
from structlog.contextvars import get_contextvars

from shared.bus import Bus, connect_bus
from shared.clock import Clock, utc_now
from shared.collecting import telling_of_spans
from shared.contracts.base import Service
from shared.contracts.gateway import ACCESS_CHANGED
from shared.database import connect_database
from shared.http import REQUEST_ID, tell_errors
from shared.http_server import TlsPort, listening
from shared.identity import Identity, PublicIdentity
from shared.lifecycle import background, every
from shared.migrations import migrate
from shared.tls import server_context

from .access.authentication import authenticating
from .access.browsers import Browsers
from .access.passwords import Passwords
from .access.rate_limits import RateLimits, limiting, tell_allowance
from .admission import Admission
from .answers import answers
from .audit_trail import AuditTrail
from .bootstrap import open_first_organization
from .catalogue.catalogue import catalogue
from .dashboard import dashboard_routes
from .jobs.jobs import Jobs
from .jobs.steps import Steps
from .jobs.worker import Worker
from .live_events import LiveEvents
from .live_logs import LiveLogs
from .measuring import Measurements, measuring
from .oidc.identity_provider import IdentityProvider, connected_identity_provider
from .open_streams import OpenStreams
from .readiness import Readiness
from .repositories.records import Records
from .routes.agent_types import AgentTypeRoutes
from .routes.agents import AgentRoutes
from .routes.alerts import AlertRoutes
from .routes.api_keys import ApiKeyRoutes
from .routes.audit import AuditRoutes
from .routes.budgets import BudgetRoutes
from .routes.calls import CallRoutes
from .routes.dead_letters import DeadLetterRoutes
from .routes.description import DOCUMENT, DescriptionRoutes, DocumentationRoutes
from .routes.errors import ErrorRoutes
from .routes.events import EventRoutes
from .routes.health import HealthRoutes
from .routes.invitations import InvitationRoutes
from .routes.jobs import JobRoutes
from .routes.limits import LimitRoutes
from .routes.master_key import MasterKeyRoutes
from .routes.mcp_servers import McpServerRoutes
from .routes.messages import MessageRoutes
from .routes.models import ModelRoutes
from .routes.oidc import OidcRoutes
from .routes.organization import OrganizationRoutes
from .routes.prices import PriceRoutes
from .routes.providers import ProviderRoutes
from .routes.rotations import RotationRoutes
from .routes.runners import RunnerRoutes
from .routes.sessions import SessionRoutes
from .routes.stats import StatsRoutes
from .routes.threads import ThreadRoutes
from .routes.tool_calls import ToolCallRoutes
from .routes.usage import UsageRoutes
from .routes.users import UserRoutes
from .routes.webhooks import WebhookRoutes
from .routing.idempotency import RENEWED_EVERY, Idempotency
from .routing.openapi import JsonObject, describe
from .routing.operations import operations_in
from .routing.serving import open_routes, routes_below
from .settings import Settings
from .spans import telling_of_requests, trace_id_of
from .waiting import WaitingRoom

__all__ = ["create_app", "serving"]

log = structlog.get_logger(__name__)

_PACKAGE = "ag2trust-gateway"
_MAX_BODY_BYTES = 1024**2
_SWEEP = timedelta(minutes=10)
_PREFIXES = ("/api", "/api/v1")
_UNREMARKABLE = frozenset({"/healthz", "/metrics", "/readyz"})


def create_app(
    *,
    bus: Bus,
    records: Records,
    admission: Admission,
    credentials: PublicIdentity,
    readiness: Readiness,
    idempotency: Idempotency,
    requests_per_minute: int,
    wake_worker: Callable[[], None],
    identity_provider: IdentityProvider | None = None,
    dashboard: Path | None = None,
    now: Clock = utc_now,
) -> web.Application:
    measurements = Measurements()
    waiting_room = WaitingRoom(bus)
    streams = OpenStreams(admission.authentication)
    jobs = Jobs(bus, records.jobs, wake=wake_worker, credentials=credentials, now=now)
    api = [
        ProviderRoutes(bus, credentials=credentials),
        RotationRoutes(jobs),
        AgentTypeRoutes(bus, jobs),
        AgentRoutes(bus, LiveLogs(bus, streams)),
        MessageRoutes(bus, waiting_room),
        ThreadRoutes(bus),
        DeadLetterRoutes(bus),
        StatsRoutes(bus, now=now),
        UsageRoutes(bus, now=now),
        CallRoutes(bus, now=now),
        ToolCallRoutes(bus, now=now),
        AlertRoutes(bus),
        WebhookRoutes(bus, credentials=credentials),
        McpServerRoutes(bus, credentials=credentials),
        PriceRoutes(bus),
        BudgetRoutes(bus),
        LimitRoutes(bus),
        ModelRoutes(bus, catalogue(), now=now),
        MasterKeyRoutes(bus),
        RunnerRoutes(bus),
        JobRoutes(bus, jobs),
        AuditRoutes(bus, AuditTrail(bus, records.audit)),
        ErrorRoutes(),
        EventRoutes(LiveEvents(bus, streams)),
        *_people(records, admission, identity_provider, now=now),
        DescriptionRoutes(),
    ]
    outside = [HealthRoutes(readiness, measurements), DocumentationRoutes()]
    is_open = {each for prefix in _PREFIXES for each in open_routes(prefix, *api)}
    app = web.Application(
        middlewares=[
            measuring(measurements),
            telling_of_requests,
            tell_errors,
            authenticating(admission.authentication, open_routes=is_open),
            limiting(RateLimits(per_minute=requests_per_minute, now=now)),
        ],
        client_max_size=_MAX_BODY_BYTES,
    )
    for prefix, declaring in (*((each, api) for each in _PREFIXES), ("", outside)):
        app.add_routes(routes_below(prefix, *declaring, idempotency=idempotency))
    if dashboard is not None:
        app.add_routes(dashboard_routes(dashboard))
    app[DOCUMENT] = _describing(api, outside)
    app.on_response_prepare.extend(
        [_name_request, _tell_no_versions, tell_allowance, _log_answer]
    )
    app.on_shutdown.append(_closing(waiting_room, streams))
    return app


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[int]:
    """Assemble the gateway and hold it open, yielding its port; leaving undoes it.

    Its neighbours may be absent: it serves, and says at `/readyz` what is missing.
    """
    identity = Identity.from_file(settings.identity_file)
    await migrate(settings, "gateway.migrations")
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(telling_of_spans(Service.GATEWAY))
        database = await stack.enter_async_context(connect_database(settings))
        records = Records.of(database)
        await open_first_organization(
            records.organizations,
            records.invitations,
            owner_key_hash=settings.bootstrap_key_hash,
            login_link_hash=settings.first_login_hash,
        )
        bus = await stack.enter_async_context(
            connect_bus(settings.nats_url, service=Service.GATEWAY, identity=identity)
        )
        await stack.enter_async_context(background(bus.until_closed()))
        idempotency = Idempotency(records.idempotency)
        admission = Admission.of(
            records, bus, Browsers(settings.public_url), Passwords()
        )
        await stack.enter_async_context(
            bus.hearing(ACCESS_CHANGED, admission.revocations.heard)
        )
        await stack.enter_async_context(
            bus.serving(Service.GATEWAY, *answers(records.organizations))
        )
        await stack.enter_async_context(_housekeeping(records, idempotency))
        worker = Worker(records.jobs, bus, Steps(bus))
        await stack.enter_async_context(background(worker.run()))
        identity_provider = await stack.enter_async_context(
            connected_identity_provider(settings.oidc_issuer, settings.oidc_client_id)
        )
        app = create_app(
            bus=bus,
            records=records,
            admission=admission,
            credentials=settings.credentials_identity,
            readiness=Readiness(bus, records.organizations.ping),
            idempotency=idempotency,
            requests_per_minute=settings.requests_per_minute,
            wake_worker=worker.woken.set,
            identity_provider=identity_provider,
            dashboard=settings.dashboard_folder,
        )
        port = await stack.enter_async_context(
            listening(
                app, host=settings.host, port=settings.port, tls=_tls_port(settings)
            )
        )
        log.info("gateway.opened", host=settings.host, port=port)
        yield port


def _tls_port(settings: Settings) -> TlsPort | None:
    number, certificate, key = (
        settings.tls_port,
        settings.tls_certificate,
        settings.tls_key,
    )
    if number is None or certificate is None or key is None:
        return None
    return TlsPort(number, server_context(certificate, key))


def _people(
    records: Records,
    admission: Admission,
    identity_provider: IdentityProvider | None,
    *,
    now: Clock,
) -> list[object]:
    """Make the routes about who may come in."""
    return [
        ApiKeyRoutes(records.api_keys, revocations=admission.revocations, now=now),
        UserRoutes(
            records.users,
            records.invitations,
            passwords=admission.passwords,
            logging_in=admission.logging_in,
            revocations=admission.revocations,
            browsers=admission.browsers,
        ),
        SessionRoutes(
            records.sessions,
            records.users,
            records.organizations,
            authentication=admission.authentication,
            logging_in=admission.logging_in,
            revocations=admission.revocations,
            browsers=admission.browsers,
        ),
        InvitationRoutes(
            records.invitations,
            passwords=admission.passwords,
            revocations=admission.revocations,
            browsers=admission.browsers,
        ),
        OidcRoutes(identity_provider, records.oidc, browsers=admission.browsers),
        OrganizationRoutes(records.organizations),
    ]


def _housekeeping(
    records: Records, idempotency: Idempotency
) -> AbstractAsyncContextManager[None]:
    """Keep what is being answered in turn, and delete what has ended by itself."""
    return background(
        every(RENEWED_EVERY, idempotency.stay_in_turn, name="idempotency.turns"),
        every(_SWEEP, idempotency.forget, name="idempotency.sweep"),
        every(_SWEEP, records.sessions.forget, name="sessions.sweep"),
    )


def _describing(
    api: Iterable[object], outside: Iterable[object]
) -> Callable[[], JsonObject]:
    return partial(_described, tuple(map(type, api)), tuple(map(type, outside)))


@cache
def _described(api: tuple[type, ...], outside: tuple[type, ...]) -> JsonObject:
    operations = [
        *(each for kind in api for each in operations_in(kind, below="/api")),
        *(each for kind in outside for each in operations_in(kind)),
    ]
    return describe(operations, title="Ag2Trust", version=metadata.version(_PACKAGE))


def _closing(
    *closable: WaitingRoom | OpenStreams,
) -> Callable[[web.Application], Awaitable[None]]:
    async def close(_: web.Application) -> None:
        for each in closable:
            each.close()

    return close


async def _name_request(_: web.Request, response: web.StreamResponse) -> None:
    """Put the request's id on streams too, which leave before the middleware ends."""
    if request_id := get_contextvars().get("request_id"):
        response.headers.setdefault(REQUEST_ID, str(request_id))


async def _tell_no_versions(_: web.Request, response: web.StreamResponse) -> None:
    """Leave out what aiohttp says of itself and of Python."""
    response.headers.popall("Server", None)


async def _log_answer(request: web.Request, response: web.StreamResponse) -> None:
    """Log the route, not the path: what people type into a path may be a secret."""
    resource = request.match_info.route.resource
    if resource is None or resource.canonical in _UNREMARKABLE:
        return
    trace_id = trace_id_of(request)
    log.info(
        "request.answered",
        method=request.method,
        route=resource.canonical,
        status=response.status,
        request_id=response.headers.get(REQUEST_ID),
        **({"trace_id": trace_id} if trace_id else {}),
    )
