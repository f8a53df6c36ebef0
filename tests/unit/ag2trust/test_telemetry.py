"""Who is told of OpenTelemetry by the launcher."""

import pytest

from ag2trust.telemetry import telemetry_of
from shared.contracts.base import Service

ENVIRONMENT = {
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318",
    "OTEL_TRACES_SAMPLER": "",
    "PATH": "/usr/bin",
}


@pytest.mark.parametrize(
    "service", [Service.GATEWAY, Service.AGENT_RUNNER, Service.METRICS]
)
def test_services_are_told_what_is_set(service: Service) -> None:
    told = telemetry_of(service, ENVIRONMENT)

    assert told == {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


def test_who_holds_the_master_key_is_told_nothing() -> None:
    assert telemetry_of(Service.CREDENTIALS, ENVIRONMENT) == {}


def test_a_name_for_all_becomes_one_for_each() -> None:
    told = telemetry_of(Service.AGENT_RUNNER, {"OTEL_SERVICE_NAME": "acme"})

    assert told == {"OTEL_SERVICE_NAME": "acme-agent-runner"}
