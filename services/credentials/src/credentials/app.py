"""Where the parts of the service meet. Read this first."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from shared.audit_heads import make_head_folder
from shared.audit_pages import AuditPages
from shared.bus import Answer, NatsBus, answer, answer_ping, connect_bus
from shared.clock import utc_now
from shared.contracts import audit_verification
from shared.contracts import credentials as contract
from shared.contracts import held_providers as held_contract
from shared.contracts import master_key as master_key_contract
from shared.contracts import mcp_servers as mcp_contract
from shared.contracts import rotations as rotation_contract
from shared.contracts import webhook_secrets as webhook_contract
from shared.contracts.base import Service
from shared.database import Database, connect_database
from shared.identity import Identity
from shared.lifecycle import background, every
from shared.migrations import migrate

from .administration.audit_verification import AuditVerifier
from .administration.freeze import Freeze
from .administration.head_export import HeadExport
from .administration.master_key_state import MasterKeyDesk
from .administration.rewraps import Rewraps
from .leases.enrolment import Enrolment
from .leases.leases import Leases
from .leases.role_sessions import RoleSessions
from .leases.sts import AwsSts
from .leases.trials import Trials
from .leases.uses import Uses
from .master_keys.ring import MasterKeyRing, open_master_keys
from .mcp_servers.mcp_leases import McpLeases
from .mcp_servers.mcp_servers import McpServers
from .measured import tell_measured
from .providers.aws_regions import read_regions
from .providers.expiry import ExpiryWatch
from .providers.planning import Planner
from .providers.providers import Providers
from .providers.rotations import Rotations
from .providers.submissions import Submissions
from .repositories import audit
from .settings import Settings
from .vault import Vault
from .webhooks.webhook_secrets import WebhookSecrets

__all__ = ["answers", "serving"]

_SWEEP_EVERY = timedelta(minutes=10)
_EXPIRIES_EVERY = timedelta(seconds=10)
_HEADS_EVERY = timedelta(minutes=1)
_MEASURE_EVERY = timedelta(seconds=10)
_REWRAP_EVERY = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Desks:
    """Who answers which questions."""

    providers: Providers
    rotations: Rotations
    uses: Uses
    leases: Leases
    audit: AuditPages
    audit_verifier: AuditVerifier
    master_key: MasterKeyDesk
    rewraps: Rewraps
    webhook_secrets: WebhookSecrets
    mcp_servers: McpServers
    mcp_leases: McpLeases


def answers(desks: Desks) -> Iterable[Answer]:
    """Every question this service answers, and what answers it."""
    return (
        answer(contract.PING, answer_ping),
        answer(contract.CREATE_PROVIDER, desks.providers.create),
        answer(contract.UPDATE_PROVIDER, desks.providers.update),
        answer(contract.DELETE_PROVIDER, desks.providers.delete),
        answer(contract.GET_PROVIDER, desks.providers.get),
        answer(contract.LIST_PROVIDERS, desks.providers.list),
        answer(held_contract.CHANGED_PROVIDERS, desks.providers.changed),
        answer(rotation_contract.STAGE_SECRET, desks.rotations.stage),
        answer(rotation_contract.SWITCH_SECRET, desks.rotations.switch),
        answer(rotation_contract.DISCARD_SECRET, desks.rotations.discard),
        answer(rotation_contract.RETIRE_PROVIDER, desks.rotations.retire),
        answer(contract.CLAIM_USES, desks.uses.claim),
        answer(contract.RELEASE_USES, desks.uses.release),
        answer(contract.LEASE, desks.leases.lease),
        answer(contract.LIST_AUDIT, desks.audit.list),
        answer(audit_verification.VERIFY_AUDIT, desks.audit_verifier.verify),
        answer(master_key_contract.GET_MASTER_KEY, desks.master_key.show),
        answer(master_key_contract.FREEZE, desks.master_key.freeze),
        answer(master_key_contract.UNFREEZE, desks.master_key.unfreeze),
        answer(master_key_contract.START_REWRAP, desks.rewraps.start),
        answer(master_key_contract.GET_REWRAP, desks.rewraps.get),
        answer(webhook_contract.KEEP_WEBHOOK_SECRET, desks.webhook_secrets.keep),
        answer(webhook_contract.FORGET_WEBHOOK_SECRET, desks.webhook_secrets.forget),
        answer(webhook_contract.LEASE_WEBHOOK_SECRET, desks.webhook_secrets.lease),
        answer(mcp_contract.CREATE_MCP_SERVER, desks.mcp_servers.create),
        answer(mcp_contract.UPDATE_MCP_SERVER, desks.mcp_servers.update),
        answer(mcp_contract.REMOVE_MCP_SERVER, desks.mcp_servers.remove),
        answer(mcp_contract.GET_MCP_SERVER, desks.mcp_servers.get),
        answer(mcp_contract.LIST_MCP_SERVERS, desks.mcp_servers.list),
        answer(mcp_contract.LEASE_MCP_SERVER, desks.mcp_leases.lease),
    )


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[None]:
    """Assemble the service and hold it open; leaving undoes it in reverse."""
    identity = Identity.from_file(settings.identity_file)
    enrolment = Enrolment.from_file(settings.runners_file)
    make_head_folder(settings.audit_folder)
    await asyncio.to_thread(read_regions)
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        master_keys = await enter(open_master_keys(settings))
        await migrate(settings, "credentials.migrations")
        database = await enter(connect_database(settings))
        bus = await enter(
            connect_bus(
                settings.nats_url, service=Service.CREDENTIALS, identity=identity
            )
        )
        desks = desks_of(
            settings,
            identity=identity,
            enrolment=enrolment,
            master_keys=master_keys,
            database=database,
            bus=bus,
        )
        heads = HeadExport(database, settings.audit_folder, identity)
        await enter(
            background(
                bus.until_closed(),
                *forgetting(desks),
                every(
                    _EXPIRIES_EVERY,
                    ExpiryWatch(database, bus).look,
                    name="tell_expiries",
                ),
                every(_HEADS_EVERY, heads.export, name="export_heads"),
                every(_MEASURE_EVERY, partial(tell_measured, bus), name="measured"),
                every(
                    _REWRAP_EVERY,
                    desks.rewraps.advance,
                    name="rewrap",
                    woken=desks.rewraps.woken,
                ),
            )
        )
        await enter(bus.serving(Service.CREDENTIALS, *answers(desks)))
        yield


def desks_of(
    settings: Settings,
    *,
    identity: Identity,
    enrolment: Enrolment,
    master_keys: MasterKeyRing,
    database: Database,
    bus: NatsBus,
) -> Desks:
    freeze = Freeze(database)
    vault = Vault(master_keys, freeze)
    submissions = Submissions(identity)
    planner = planner_of(settings, vault)
    return Desks(
        providers=Providers(
            database=database,
            vault=vault,
            bus=bus,
            submissions=submissions,
            planner=planner,
        ),
        rotations=Rotations(
            database=database,
            vault=vault,
            bus=bus,
            submissions=submissions,
            planner=planner,
        ),
        uses=Uses(database),
        leases=Leases(
            database=database,
            vault=vault,
            enrolment=enrolment,
            identity=identity,
            roles=role_sessions_of(settings),
            trials=Trials(submissions, planner),
        ),
        audit=AuditPages(database, audit.entries),
        audit_verifier=AuditVerifier(database, settings.audit_folder, identity.public),
        master_key=MasterKeyDesk(database, vault, freeze),
        rewraps=Rewraps(database, vault, per_second=settings.rewraps_per_second),
        webhook_secrets=WebhookSecrets(
            database=database,
            vault=vault,
            identity=identity,
            metrics=settings.metrics_identity,
        ),
        mcp_servers=McpServers(
            database=database, vault=vault, bus=bus, submissions=submissions
        ),
        mcp_leases=McpLeases(
            database=database, vault=vault, enrolment=enrolment, identity=identity
        ),
    )


def forgetting(desks: Desks) -> Iterable[Coroutine[Any, Any, None]]:
    """Clear away what has ended by itself, each in its own round."""
    return (
        every(_SWEEP_EVERY, desks.leases.forget_expired, name="forget_leases"),
        every(_SWEEP_EVERY, desks.rotations.forget, name="forget_rotations"),
        every(
            _SWEEP_EVERY,
            desks.webhook_secrets.forget_expired,
            name="forget_webhook_leases",
        ),
        every(_SWEEP_EVERY, desks.mcp_leases.forget_expired, name="forget_mcp_leases"),
    )


def planner_of(settings: Settings, vault: Vault) -> Planner:
    return Planner(
        vault,
        allow_private_base_urls=settings.allow_private_base_urls,
        allow_ambient=settings.allow_ambient_aws_identity,
        now=utc_now,
    )


def role_sessions_of(settings: Settings) -> RoleSessions:
    sts = AwsSts(
        endpoint_url=settings.sts_endpoint_url,
        allow_ambient=settings.allow_ambient_aws_identity,
    )
    return RoleSessions(sts, now=utc_now)
