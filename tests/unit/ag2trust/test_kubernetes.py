"""deploy/kubernetes gives each service what it needs, and no pod more than it may."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ag2trust.provision import make_keys
from shared.settings import SettingsError

from .deployed import OWNERS, Deployed

FOLDER = Path(__file__).parents[3] / "deploy" / "kubernetes"
COMPOSED = yaml.safe_load((FOLDER.parents[1] / "docker-compose.yml").read_text())
OBJECTS: list[dict[str, Any]] = [
    each
    for path in sorted(FOLDER.glob("*.yaml"))
    for each in yaml.safe_load_all(path.read_text())
]
WORKLOADS = {
    each["metadata"]["name"]: each["spec"]
    for each in OBJECTS
    if "template" in each.get("spec", {})
}
PODS = {name: each["template"]["spec"] for name, each in WORKLOADS.items()}
SERVICES = ("agent-runner", "broker", "credentials", "gateway", "metrics")
KUBECTL = """#!/bin/sh
[ "$3" = create ] && echo "$6 ${7#--from-file=}" >>"$TOLD"
exit 0
"""


def containers() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, pod in PODS.items():
        for each in (*pod.get("initContainers", []), *pod["containers"]):
            yield name, each


CONTAINERS = [*containers()]


def named(service: str) -> dict[str, Any]:
    [found] = (each for _, each in CONTAINERS if each["name"] == service)
    return found


def variables(service: str) -> dict[str, str]:
    return {each["name"]: each["value"] for each in named(service)["env"]}


@pytest.fixture
def deployed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployed:
    make_keys(tmp_path, OWNERS, place="host=postgres")
    return Deployed(tmp_path, monkeypatch)


@pytest.fixture
def secrets(deployed: Deployed, tmp_path: Path) -> Mapping[str, set[str]]:
    """Return the files of each Secret that the script would make, without a cluster."""
    program, told = tmp_path / "bin" / "kubectl", tmp_path / "told"
    program.parent.mkdir()
    program.write_text(KUBECTL)
    program.chmod(0o755)
    subprocess.run(  # noqa: S603 - our own words
        [FOLDER / "secrets.sh", deployed.made],
        env={
            "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
            "TOLD": str(told),
        },
        check=True,
    )
    made = (line.split() for line in told.read_text().splitlines())
    return {
        name: {each.name for each in Path(folder).iterdir()} for name, folder in made
    }


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_accepts_what_it_is_given(
    deployed: Deployed, service: str
) -> None:
    assert deployed.settings(service, variables(service))


def test_what_a_service_lacks_is_found(deployed: Deployed) -> None:
    given = variables("credentials")
    del given["AG2TRUST_CREDENTIALS_RUNNERS_FILE"]

    with pytest.raises(SettingsError, match="AG2TRUST_CREDENTIALS_RUNNERS_FILE"):
        deployed.settings("credentials", given)


def test_services_find_postgresql_where_they_are_told(deployed: Deployed) -> None:
    settings = deployed.settings("metrics", variables("metrics"))

    assert settings.database_url.get_secret_value().endswith("@/ag2trust?host=postgres")
    assert variables("database") == {"AG2TRUST_PROVISION_DATABASE": "host=postgres"}


def test_each_secret_is_made_and_has_the_files_that_are_named(
    secrets: Mapping[str, set[str]],
) -> None:
    used = {
        volume["secret"]["secretName"]
        for pod in PODS.values()
        for volume in pod.get("volumes", [])
        if "secret" in volume
    }
    files = {
        Path(value).name: f"ag2trust-{service}"
        for service in SERVICES
        if service != "broker"
        for value in variables(service).values()
        if value.startswith("/run/ag2trust/")
    }

    assert used == set(secrets)
    assert "master.key" in secrets["ag2trust-master-key"]
    assert {"nats.conf"} == secrets["ag2trust-nats"]
    for file, secret in files.items():
        assert file in secrets[secret]


@pytest.mark.parametrize(
    ("pod", "container"),
    CONTAINERS,
    ids=lambda it: it if isinstance(it, str) else it["name"],
)
def test_a_container_is_confined(pod: str, container: dict[str, Any]) -> None:
    of_pod = PODS[pod]["securityContext"]
    context = {**of_pod, **container["securityContext"]}

    assert context["readOnlyRootFilesystem"] is True
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"]["drop"] == ["ALL"]
    assert of_pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert PODS[pod]["automountServiceAccountToken"] is False
    assert "limits" in container["resources"]
    if container["name"] == "broker":
        assert context["capabilities"]["add"] == ["NET_ADMIN"]
        return
    assert context["runAsNonRoot"] is True
    assert context["runAsUser"] > 0
    assert "add" not in context["capabilities"]


def test_the_broker_alone_is_root_and_holds_dockers_socket() -> None:
    roots = [
        each["name"]
        for _, each in CONTAINERS
        if each["securityContext"].get("runAsUser") == 0
    ]
    holders = [
        each["name"]
        for _, each in CONTAINERS
        for mount in each["volumeMounts"]
        if "docker" in mount["mountPath"]
    ]

    assert roots == holders == ["broker"]


def test_what_is_mounted_is_there() -> None:
    for pod, container in CONTAINERS:
        volumes = {each["name"] for each in PODS[pod].get("volumes", [])}
        claimed = {
            each["metadata"]["name"]
            for each in WORKLOADS[pod].get("volumeClaimTemplates", [])
        }
        mounted = {each["name"] for each in container["volumeMounts"]}
        assert mounted <= volumes | claimed


def test_each_credentials_keeps_heads_of_the_audit_in_a_volume_of_its_own() -> None:
    workload = WORKLOADS["credentials"]
    [audit] = workload["volumeClaimTemplates"]
    mounts = {
        each["name"]: each["mountPath"] for each in named("credentials")["volumeMounts"]
    }

    folder = variables("credentials")["AG2TRUST_CREDENTIALS_AUDIT_FOLDER"]
    assert workload["replicas"] > 1
    assert mounts[audit["metadata"]["name"]] == folder


def test_a_service_of_the_cluster_leads_to_pods() -> None:
    labels = [each["template"]["metadata"]["labels"] for each in WORKLOADS.values()]
    selectors = [
        each["spec"]["selector"] for each in OBJECTS if each["kind"] == "Service"
    ]

    assert len(selectors) == len(("gateway", "nats", "postgres"))
    for selector in selectors:
        assert any(selector.items() <= each.items() for each in labels)


def test_the_images_are_those_that_are_composed() -> None:
    composed = {each["image"] for each in COMPOSED["services"].values()}

    assert {each["image"] for _, each in CONTAINERS} <= composed
