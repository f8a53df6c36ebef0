"""The service in this process, and those who speak to it."""

import os
from collections.abc import AsyncIterator
from typing import TypeAlias

import asyncpg
import pytest
import pytest_asyncio

from ag2trust.testing import BusAs, Stack
from credentials.app import serving
from credentials.settings import Settings
from shared.bus import NatsBus
from shared.contracts.base import Service

from .fake_kms import ALIAS, REGION, FakeKms, running_fake_kms
from .rotation import QUICKLY, Rotation
from .speaking import Agent, Operator, Runner

Superuser: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


AWS_ACCOUNT = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "only-for-tests-of-aws",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


@pytest.fixture
def services() -> list[Service]:
    return [Service.CREDENTIALS]


@pytest.fixture
def aws_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give this process credentials of AWS, and none that its machine may have."""
    for name in [each for each in os.environ if each.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in AWS_ACCOUNT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def settings(stack: Stack) -> Settings:
    return stack.settings(Settings, Service.CREDENTIALS)


@pytest_asyncio.fixture
async def kms() -> AsyncIterator[FakeKms]:
    async with running_fake_kms() as running:
        yield running


@pytest.fixture
def aws_settings(stack: Stack, kms: FakeKms, aws_account: None) -> Settings:  # noqa: ARG001 - sets the environment
    """Have the master key in AWS."""
    return stack.settings(
        Settings,
        Service.CREDENTIALS,
        master_key="aws",
        master_key_file=None,
        master_key_alias=ALIAS,
        master_key_region=REGION,
        master_key_endpoint_url=kms.url,
    )


@pytest_asyncio.fixture
async def service(settings: Settings) -> AsyncIterator[None]:
    """Run the service during the test."""
    async with serving(settings):
        yield


@pytest_asyncio.fixture
async def runner_bus(bus_as: BusAs) -> AsyncIterator[NatsBus]:
    async with bus_as(Service.AGENT_RUNNER) as bus:
        yield bus


@pytest.fixture
def operator(stack: Stack, gateway: NatsBus) -> Operator:
    return Operator(gateway, stack.identity(Service.CREDENTIALS).public)


@pytest.fixture
def stranger(stack: Stack, gateway: NatsBus) -> Operator:
    """Someone of another organization."""
    return Operator(gateway, stack.identity(Service.CREDENTIALS).public)


@pytest.fixture
def runner(stack: Stack, runner_bus: NatsBus, operator: Operator) -> Runner:
    identity = stack.identity(Service.AGENT_RUNNER)
    return Runner(runner_bus, operator.org_id, identity)


@pytest_asyncio.fixture
async def agent(operator: Operator, runner: Runner) -> Agent:
    """Have an agent that uses a provider."""
    provider = await operator.create(use_case="support", labels={"team": "one"})
    agent = Agent(runner, provider.id)
    await agent.claim()
    return agent


@pytest_asyncio.fixture
async def superuser(stack: Stack) -> AsyncIterator[Superuser]:
    """Connect as one whom no row-level security holds back."""
    connection = await stack.connect()
    await connection.execute("SET search_path = credentials")
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture
def rotation(
    stack: Stack, operator: Operator, runner: Runner, superuser: Superuser
) -> Rotation:
    """Rotate from one local master key to another."""
    old = stack.settings(Settings, Service.CREDENTIALS)
    new_key = stack.folder / "new.key"
    new_key.touch(mode=0o600)
    new_key.write_text("ab" * 32)
    update = {
        "master_key_file": new_key,
        "retired_master_key_files": (old.master_key_file,),
        "rewraps_per_second": QUICKLY,
    }
    return Rotation(old, old.model_copy(update=update), operator, runner, superuser)
