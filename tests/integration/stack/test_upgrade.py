"""An installation whose rows the first schemas hold goes on under today's services."""

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from importlib.resources import files
from uuid import UUID

import aiohttp
import pytest
import pytest_asyncio

from ag2trust.operator import Operator
from ag2trust.provisioning import owner_role
from ag2trust.testing import Stack
from ag2trust_sandbox import Sandbox
from credentials.envelope import Context, seal
from credentials.master_keys.local import LocalMasterKey
from credentials.providers.base_url import origin_of
from credentials.settings import Settings
from shared.contracts.base import Service
from shared.ids import new_id

from .four_services import OWNER_KEY, four_services

pytestmark = pytest.mark.integration

FIRST = {
    Service.CREDENTIALS: ("0001_providers.sql",),
    Service.AGENT_RUNNER: ("0001_agents.sql", "0002_messages.sql"),
    Service.GATEWAY: ("0001_organization.sql",),
}
LEDGER = """
CREATE TABLE migration (
    name       text PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""
GATEWAY_ROWS = """
INSERT INTO gateway.organization (id, name, created_at)
VALUES ('{org}', 'default', now());
INSERT INTO gateway.api_key (id, org_id, name, role, hash, created_at)
VALUES ('{key}', '{org}', 'first', 'owner', '\\x{key_hash}', now());
INSERT INTO gateway.audit (
    id, org_id, at, actor_kind, actor_id, act, object_kind, object_id
)
VALUES ('{key}', '{org}', now(), 'service', 'gateway', 'created',
        'organization', '{org}');
"""
CREDENTIALS_ROWS = """
INSERT INTO credentials.provider (
    org_id, id, name, type, labels, base_url, limits, enabled, submission_fingerprint
)
VALUES ('{org}', '{provider}', 'old', 'openai', '{{}}', '{url}', '{{}}', true, '\\x00');
INSERT INTO credentials.credential_version (
    org_id, provider_id, version, encrypted_key, encrypted_dek, master_key_id, hint
)
VALUES ('{org}', '{provider}', 1, '\\x{encrypted_key}', '\\x{encrypted_dek}',
        '{master_key_id}', '…1234');
INSERT INTO credentials.audit (
    org_id, id, actor_kind, actor_id, act, object_kind, object_id, details
)
VALUES ('{org}', '{provider}', 'api_key', '{key}', 'provider.created', 'provider',
        '{provider}', '{{}}');
"""
AGENT_RUNNER_ROWS = """
INSERT INTO agent_runner.runner (name, epoch, heartbeat_at)
VALUES ('runner-1', 7, now() - interval '1 hour');
INSERT INTO agent_runner.agent_type (
    id, org_id, name, slug, version, created_at, updated_at
)
VALUES ('{agent_type}', '{org}', 'Old', 'old', 1, now(), now());
INSERT INTO agent_runner.agent_type_version (
    agent_type_id, version, org_id, labels, provider_id, model, allowed_models,
    system_prompt, resources
)
VALUES ('{agent_type}', 1, '{org}', '{{}}', '{provider}', 'sandbox-echo',
        '{{sandbox-echo}}', '', '{{}}');
INSERT INTO agent_runner.agent (
    id, org_id, name, agent_type_id, desired_state, status, created_at, updated_at
)
VALUES ('{agent}', '{org}', 'ada', '{agent_type}', 'stopped', 'stopped', now(), now());
INSERT INTO agent_runner.thread (id, org_id, agent_id, next_position, created_at)
VALUES ('{thread}', '{org}', '{agent}', 2, now());
INSERT INTO agent_runner.message (
    id, org_id, agent_id, agent_type_id, thread_id, position, content, status, reply,
    usage, created_at, finished_at
)
VALUES ('{message}', '{org}', '{agent}', '{agent_type}', '{thread}', 1, 'Hello?',
        'completed', 'Hello!', '{{}}', now(), now());
"""


@dataclass(frozen=True, slots=True)
class Upgraded:
    operator: Operator
    provider: UUID
    agent: UUID
    thread: UUID


@pytest_asyncio.fixture
async def upgraded(
    stack: Stack, sandbox: Sandbox, provider_key: str
) -> AsyncIterator[Upgraded]:
    """Start today's services on what the first ones left."""
    ids = {
        name: new_id()
        for name in (
            *("org", "key", "provider", "agent_type", "agent", "thread", "message"),
        )
    }
    for service, names in FIRST.items():
        await set_up(stack, service, names)
    rows = GATEWAY_ROWS + CREDENTIALS_ROWS + AGENT_RUNNER_ROWS
    sealed = await sealed_key(stack, sandbox, provider_key, ids)
    superuser = await stack.connect()
    await superuser.execute(rows.format(**ids, **sealed, url=sandbox.base_url))
    await superuser.close()
    async with (
        four_services(stack) as url,
        aiohttp.ClientSession(url, headers={"X-API-Key": OWNER_KEY}) as session,
    ):
        yield Upgraded(Operator(session), ids["provider"], ids["agent"], ids["thread"])


async def set_up(stack: Stack, service: Service, names: tuple[str, ...]) -> None:
    """Apply a service's first files alone, as that release did."""
    await stack.empty_schema(service)
    owner = await stack.connect(owner_role(service))
    await owner.execute(LEDGER)
    for name in names:
        script = files(f"{service}.migrations") / name
        await owner.execute(script.read_text("utf-8"))
        await owner.execute("INSERT INTO migration (name) VALUES ($1)", name)
    await owner.close()


async def sealed_key(
    stack: Stack, sandbox: Sandbox, provider_key: str, ids: dict[str, UUID]
) -> dict[str, str]:
    settings = stack.settings(Settings, Service.CREDENTIALS)
    assert settings.master_key_file
    context = Context(
        org_id=ids["org"],
        provider_id=ids["provider"],
        version=1,
        origin=origin_of(sandbox.base_url),
    )
    data_key = await LocalMasterKey.from_file(
        settings.master_key_file
    ).generate_data_key(context)
    secret = seal(
        json.dumps({"api_key": provider_key}).encode(),
        data_key=data_key.plaintext,
        context=context,
    )
    return {
        "encrypted_key": secret.hex(),
        "encrypted_dek": data_key.stored.wrapped.hex(),
        "master_key_id": data_key.stored.key_id,
        "key_hash": hashlib.sha256(OWNER_KEY.encode()).hexdigest(),
    }


async def test_what_was_there_is_there(upgraded: Upgraded) -> None:
    operator = upgraded.operator
    [provider] = await operator.all_of("/api/providers")
    [agent] = await operator.all_of("/api/agents")
    [kind] = await operator.all_of("/api/agent-types")
    thread = await operator.ask("GET", f"/api/threads/{upgraded.thread}")
    acts = {entry["act"] for entry in await operator.all_of("/api/audit")}

    assert (provider["status"], provider["credential"]["hint"]) == ("ready", "…1234")
    assert (agent["name"], agent["status"]) == ("ada", "stopped")
    assert (kind["slug"], kind["credential_delivery"]) == ("old", "environment")
    [message] = thread.body["messages"]
    assert (message["content"], message["reply"]) == ("Hello?", "Hello!")
    assert {"organization.created", "provider.created"} <= acts


async def test_an_agent_of_then_starts_with_its_key_of_then_and_answers(
    upgraded: Upgraded, sandbox: Sandbox
) -> None:
    operator, agent = upgraded.operator, f"/api/agents/{upgraded.agent}"

    await operator.made(f"{agent}/start", None)
    await operator.until(agent, status="running")
    answer = await operator.made(
        f"{agent}/messages",
        {"content": "And now?", "thread_id": str(upgraded.thread)},
    )

    assert answer["content"].endswith("You said: And now?")
    assert sandbox.request_count
    await operator.until(f"{agent}/stats", calls=1)
