"""Each service is told what it needs, and nothing of the others."""

from dataclasses import replace
from pathlib import Path

import pytest

import agent_runner.broker.settings
import agent_runner.settings
import credentials.settings
import gateway.settings
import metrics.settings
from ag2trust.installation import Installation, RunnerRuntime
from ag2trust.provisioning import ROLES
from agent_runner.broker.images import ImageName
from shared.contracts.base import Service
from shared.identity import Identity
from shared.settings import ServiceSettings, load

SETTINGS: dict[Service, type[ServiceSettings]] = {
    Service.CREDENTIALS: credentials.settings.Settings,
    Service.GATEWAY: gateway.settings.Settings,
    Service.AGENT_RUNNER: agent_runner.settings.Settings,
    Service.METRICS: metrics.settings.Settings,
}


def _installation(runtime: RunnerRuntime) -> Installation:
    return Installation(
        name="local-1",
        nats_url="nats://127.0.0.1:4222",
        database_urls={role: f"postgresql://{role}:secret@/ag2trust" for role in ROLES},
        identity_files={each: Path(f"/keys/{each}.nkey") for each in Service},
        credentials_identity=Identity.generate().public,
        metrics_identity=Identity.generate().public,
        master_key_file=Path("/keys/master.key"),
        runners_file=Path("/keys/runners.json"),
        audit_folder=Path("/audit"),
        runner_folder=Path("/data/agent-runner"),
        broker_socket=Path("/broker/broker.sock"),
        gateway_port=8080,
        proxy_port=8090,
        bootstrap_key_hash="0" * 64,
        runtime=runtime,
    )


def test_hosts_that_webhooks_may_lead_to_are_told_to_metrics(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    installation = replace(
        _installation(RunnerRuntime("process")),
        private_webhook_hosts=frozenset({"siem.internal"}),
    )
    for name, value in installation.environment_of(Service.METRICS).items():
        monkeypatch.setenv(name, value)

    settings = metrics.settings.Settings()

    assert settings.private_webhook_hosts == {"siem.internal"}


@pytest.mark.parametrize("service", Service)
@pytest.mark.parametrize(
    "runtime", [RunnerRuntime("process"), RunnerRuntime("docker", agent_image="a:1")]
)
def test_every_service_starts_with_what_it_is_told(
    monkeypatch: pytest.MonkeyPatch, service: Service, runtime: RunnerRuntime
) -> None:
    for name, value in _installation(runtime).environment_of(service).items():
        monkeypatch.setenv(name, value)

    settings = SETTINGS[service]()

    assert settings.identity_file == Path(f"/keys/{service}.nkey")


def test_the_broker_listens_where_the_runner_looks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    installation = _installation(RunnerRuntime("docker", agent_image="a:1"))
    told = installation.environment_of(Service.AGENT_RUNNER)
    for name, value in (installation.environment_of_broker() | told).items():
        monkeypatch.setenv(name, value)

    broker = load(agent_runner.broker.settings.Settings)
    runner = load(agent_runner.settings.Settings)

    assert broker.socket == runner.broker
    assert broker.runner == runner.name
    assert broker.images.may_be(ImageName.parse(runner.agent_image))


@pytest.mark.parametrize("service", Service)
def test_no_service_is_told_of_another(service: Service) -> None:
    environment = _installation(RunnerRuntime()).environment_of(service)

    assert {
        name.startswith(f"AG2TRUST_{service.upper()}_") for name in environment
    } == {True}
    assert {
        other
        for other in Service
        for value in environment.values()
        if other != service and f"//{other}" in value
    } == set()


def test_only_credentials_is_told_where_the_master_key_is() -> None:
    told = [
        service
        for service in Service
        if "/keys/master.key"
        in _installation(RunnerRuntime()).environment_of(service).values()
    ]

    assert told == [Service.CREDENTIALS]
