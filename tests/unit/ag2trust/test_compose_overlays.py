"""The files beside docker-compose.yml make settings that the services accept."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.compose_command import compose_command

from ag2trust.provision import make_keys
from credentials.master_keys.aws import KmsKey
from shared.settings import SettingsError

from .deployed import OWNERS, Deployed

pytestmark = pytest.mark.docker

REPOSITORY = Path(__file__).parents[3]
BY_TLS = {
    "AG2TRUST_TLS_FOLDER": "/etc/ag2trust/tls",
    "AG2TRUST_PUBLIC_URL": "https://ag2trust.example.com",
    "AG2TRUST_EXTERNAL_URL": "https://ag2trust.example.com:8092",
}
IN_KMS = {
    "AG2TRUST_MASTER_KEY_ALIAS": "alias/ag2trust",
    "AG2TRUST_MASTER_KEY_REGION": "eu-central-1",
}

MOVED = {  # by one composition, for each takes a good part of a second
    "AG2TRUST_GATEWAY_PORT": "18080",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
    "OTEL_EXPORTER_OTLP_HEADERS": "x-key=of-the-collector",
    "AG2TRUST_AUTHORITIES_FILE": "/etc/acme.pem",
}


@pytest.fixture
def deployed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployed:
    make_keys(tmp_path, OWNERS)
    return Deployed(tmp_path, monkeypatch)


@cache
def composed(*overlays: str, **variables: str) -> Mapping[str, Any]:
    """Return the services as compose puts them together."""
    files = ["docker-compose.yml", *(f"deploy/compose/{each}" for each in overlays)]
    put_together = subprocess.run(  # noqa: S603 - our own words
        [
            *compose_command(),
            *(part for each in files for part in ("--file", each)),
            "config",
        ],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], **variables},
        check=False,
        capture_output=True,
        text=True,
    )
    assert put_together.returncode == 0, put_together.stderr
    services: Mapping[str, Any] = yaml.safe_load(put_together.stdout)["services"]
    return services


@pytest.mark.parametrize(
    "service", ["agent-runner", "broker", "credentials", "gateway", "metrics"]
)
@pytest.mark.parametrize(
    ("overlays", "variables"),
    [
        ((), {}),
        (("aws-kms.yml",), IN_KMS),
        (("tls.yml",), BY_TLS),
        (("aws-kms.yml", "tls.yml"), IN_KMS | BY_TLS),
    ],
    ids=["alone", "KMS", "TLS", "both"],
)
def test_each_service_accepts_what_it_is_given(
    deployed: Deployed,
    service: str,
    overlays: tuple[str, ...],
    variables: dict[str, str],
) -> None:
    services = composed(*overlays, **variables)

    assert deployed.settings(service, services[service]["environment"])


def test_what_a_service_would_refuse_is_found(deployed: Deployed) -> None:
    given = composed()["gateway"]["environment"]

    with pytest.raises(SettingsError, match="AG2TRUST_GATEWAY_COLOUR"):
        deployed.settings("gateway", given | {"AG2TRUST_GATEWAY_COLOUR": "red"})


def test_people_are_led_to_the_port_that_is_published(deployed: Deployed) -> None:
    moved = composed("authorities.yml", **MOVED)["gateway"]["environment"]
    named = moved | {"AG2TRUST_GATEWAY_PUBLIC_URL": "https://ag2trust.example.com"}

    led = [deployed.settings("gateway", it).url_for_people for it in (moved, named)]

    assert led == ["http://127.0.0.1:18080", "https://ag2trust.example.com"]


def test_who_sends_traces_is_told_where_and_no_credential_of_the_collector() -> None:
    services = composed("authorities.yml", **MOVED)

    told = {name for name, each in services.items() if "http://collector" in str(each)}
    assert told == {"agent-runner", "gateway", "metrics"}
    assert "of-the-collector" not in str(services)


def test_the_master_key_is_the_one_in_kms(deployed: Deployed) -> None:
    service = composed("aws-kms.yml", **IN_KMS)["credentials"]

    settings = deployed.settings("credentials", service["environment"])

    assert settings.chosen_master_key == KmsKey(
        alias="alias/ag2trust",
        region="eu-central-1",
        endpoint_url=None,
        arns=frozenset(),
        retired_arns=frozenset(),
    )
    assert set(service["networks"]) == {"inside", "outside"}
    assert "aws" in str(service["volumes"])


def test_a_local_master_key_that_was_retired_still_opens_beside_kms(
    deployed: Deployed,
) -> None:
    folder = deployed.made / "master-key"
    shutil.copy(folder / "master.key", folder / "retired-1.key")
    make_keys(deployed.made, OWNERS)

    settings = deployed.settings(
        "credentials", composed("aws-kms.yml", **IN_KMS)["credentials"]["environment"]
    )

    assert isinstance(settings.chosen_master_key, KmsKey)
    assert settings.retired_master_key_files == (Path("/run/master-key/retired-1.key"),)


def test_tls_is_spoken_to_people_and_to_external_agents(deployed: Deployed) -> None:
    services = composed("tls.yml", **BY_TLS)

    gateway = deployed.settings("gateway", services["gateway"]["environment"])
    runner = deployed.settings("agent-runner", services["agent-runner"]["environment"])

    assert gateway.public_url == BY_TLS["AG2TRUST_PUBLIC_URL"]
    assert gateway.tls_certificate == runner.external_tls_certificate
    assert runner.external_address == BY_TLS["AG2TRUST_EXTERNAL_URL"]
    assert "0.0.0.0:443:8443" in str(services["gateway"]["ports"])


def test_who_asks_others_trusts_the_authorities_it_is_given() -> None:
    services = composed("authorities.yml", **MOVED)

    told = {
        name: each["environment"]["SSL_CERT_FILE"]
        for name, each in services.items()
        if "/etc/acme.pem" in str(each)
    }
    assert told == dict.fromkeys(
        ["agent-runner", "gateway", "metrics"], "/run/authorities.pem"
    )


def test_no_log_fills_a_disk() -> None:
    kept = {name: each["logging"]["options"] for name, each in composed().items()}

    assert all({"max-size", "max-file"} <= each.keys() for each in kept.values())


def test_an_overlay_says_which_variable_it_lacks() -> None:
    with pytest.raises(AssertionError, match="AG2TRUST_MASTER_KEY_ALIAS"):
        composed("aws-kms.yml")
