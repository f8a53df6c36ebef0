"""deploy/kubernetes gives each service what it needs, and no pod more than it may."""

import copy
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from ag2trust.provision import make_keys
from agent_runner.broker.images import ImageName
from shared.settings import SettingsError

from .deployed import OWNERS, Deployed

FOLDER = Path(__file__).parents[3] / "deploy" / "kubernetes"
REPOSITORY = FOLDER.parents[1]
COMPOSED = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"]
DOCKERFILE = (REPOSITORY / "deploy" / "images" / "Dockerfile.service").read_text()
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
MIGRATED_WITHIN_SECONDS = 300
SERVICES = ("agent-runner", "broker", "credentials", "gateway", "metrics")
KUBECTL = """#!/bin/sh
[ "$3" = create ] && echo "$6 ${7#--from-file=}" >>"$TOLD"
exit 0
"""


KUBERNETES = kubernetes_validate.latest_version()


def containers() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, pod in PODS.items():
        for each in (*pod.get("initContainers", []), *pod["containers"]):
            yield name, each


CONTAINERS = [*containers()]


def named(service: str) -> dict[str, Any]:
    [found] = (each for _, each in CONTAINERS if each["name"] == service)
    return found


def selected(selector: Mapping[str, str]) -> list[str]:
    """Return the names of the workloads whose pods have these labels."""
    return [
        name
        for name, each in WORKLOADS.items()
        if selector.items() <= each["template"]["metadata"]["labels"].items()
    ]


def chosen(selector: Mapping[str, Any]) -> list[str]:
    """Return the names of the workloads that a NetworkPolicy is about."""
    values = [
        {term["key"]: value}
        for term in selector.get("matchExpressions", [])
        for value in term["values"]
    ]
    labels = values or [selector.get("matchLabels", {})]
    return [name for each in labels for name in selected(each)]


def ports(workload: str) -> Mapping[str, int]:
    return {
        port["name"]: port["containerPort"]
        for container in PODS[workload]["containers"]
        for port in container.get("ports", [])
    }


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


def test_a_service_of_the_cluster_leads_to_ports_of_pods() -> None:
    found = [each for each in OBJECTS if each["kind"] == "Service"]

    assert len(found) == len(("gateway", "nats", "postgres"))
    for service in found:
        [workload] = selected(service["spec"]["selector"])
        for port in service["spec"]["ports"]:
            assert ports(workload)[port["targetPort"]] == port["port"]


def test_the_images_are_those_that_are_composed() -> None:
    composed = {each["image"] for each in COMPOSED.values()}

    assert {each["image"] for _, each in CONTAINERS} <= composed


def test_accounts_are_those_that_are_composed() -> None:
    [of_images] = re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)
    composed = {name: it.get("user", of_images) for name, it in COMPOSED.items()}

    for pod, container in CONTAINERS:
        name = pod if container["name"] == "keys" else container["name"]
        context = {**PODS[pod]["securityContext"], **container["securityContext"]}
        account = f"{context['runAsUser']}:{context['runAsGroup']}"
        assert account == composed[name], name


def test_the_servers_are_started_as_composed_but_for_where_they_listen() -> None:
    composed = COMPOSED["postgres"]["command"]

    assert named("nats")["args"] == COMPOSED["nats"]["command"]
    assert named("postgres")["args"] == [
        each for each in composed if not each.startswith("--listen_addresses=")
    ]


def test_ports_are_where_the_services_listen(deployed: Deployed) -> None:
    gateway = deployed.settings("gateway", variables("gateway"))
    metrics = deployed.settings("metrics", variables("metrics"))

    everywhere = "0.0.0.0"  # noqa: S104 - of its pod
    assert {gateway.host, str(metrics.prometheus_host)} == {everywhere}
    assert ports("gateway") == {"http": gateway.port}
    assert ports("metrics") == {"prometheus": metrics.prometheus_port}


def test_who_is_let_in_finds_somebody_who_listens() -> None:
    policies = [each["spec"] for each in OBJECTS if each["kind"] == "NetworkPolicy"]
    let_in = {
        (rule["port"], name)
        for policy in policies
        for ingress in policy.get("ingress", [])
        for rule in ingress["ports"]
        for name in chosen(policy["podSelector"])
        if rule["port"] in ports(name).values()
    }

    listening = {(port, name) for name in PODS for port in ports(name).values()}
    assert let_in == listening


def test_a_runner_and_its_broker_are_told_the_same(deployed: Deployed) -> None:
    runner = deployed.settings("agent-runner", variables("agent-runner"))
    broker = deployed.settings("broker", variables("broker"))

    pod = PODS["agent-runner"]
    assert {runner.name, broker.runner} == {pod["nodeSelector"]["ag2trust/runner"]}
    assert runner.broker == broker.socket
    assert runner.proxy_port == broker.agent_port
    assert broker.peer_uid == pod["securityContext"]["runAsUser"]
    assert broker.images.may_be(ImageName.parse(runner.agent_image))


@pytest.mark.parametrize("service", SERVICES)
def test_a_slow_start_is_no_reason_to_kill(service: str) -> None:
    """A service brings its schema up to date before it listens or shows life."""
    started, alive = (named(service)[f"{it}Probe"] for it in ("startup", "liveness"))

    allowed_seconds = started["periodSeconds"] * started["failureThreshold"]
    assert allowed_seconds >= MIGRATED_WITHIN_SECONDS
    assert started.get("exec") == alive.get("exec")
    assert started.get("httpGet") == alive.get("httpGet")
    assert "initialDelaySeconds" not in alive
    if "exec" in alive:
        assert alive["exec"]["command"][-1] in DOCKERFILE.replace('\\"', '"')


def test_what_runs_twice_is_never_evicted_whole_nor_put_on_one_node_if_two_are() -> (
    None
):
    kept = {
        name: each["spec"]["minAvailable"]
        for each in OBJECTS
        if each["kind"] == "PodDisruptionBudget"
        for name in selected(each["spec"]["selector"]["matchLabels"])
    }
    twice = {name for name, each in WORKLOADS.items() if each.get("replicas", 1) > 1}

    assert kept == dict.fromkeys(twice, 1)
    for name in twice:
        [spread] = PODS[name]["topologySpreadConstraints"]
        assert selected(spread["labelSelector"]["matchLabels"]) == [name]


@pytest.mark.parametrize(
    "found", OBJECTS, ids=lambda it: f"{it['kind']}-{it['metadata']['name']}"
)
def test_kubernetes_knows_every_word(found: dict[str, Any]) -> None:
    kubernetes_validate.validate(found, KUBERNETES, strict=True)


def test_a_word_that_kubernetes_does_not_know_is_found() -> None:
    [gateway] = (it for it in OBJECTS if it.get("spec") is WORKLOADS["gateway"])
    misspelt = copy.deepcopy(gateway)
    misspelt["spec"]["template"]["spec"]["hostNetwrok"] = False

    with pytest.raises(kubernetes_validate.ValidationError, match="hostNetwrok"):
        kubernetes_validate.validate(misspelt, KUBERNETES, strict=True)
