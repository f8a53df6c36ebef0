import json
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from agent_runner.runtimes.docker.body import (
    AgentImage,
    Owner,
    Volume,
    container_body,
    image_from,
    network_body,
    placed_from,
)
from agent_runner.runtimes.runtime import Launch, Placed, Resources

AGENT = UUID(int=1)
ORG = UUID(int=2)
OWNER = Owner(installation="here", runner="runner-1")
IMAGE = AgentImage(command=("/entry", "argument"), user="", volumes=frozenset())


LAUNCH = Launch(
    agent_id=AGENT,
    org_id=ORG,
    epoch=3,
    image="agent@sha256:abc",
    environment={"OPENAI_API_KEY": "sk-canary"},
    secrets=frozenset({"sk-canary"}),
    resources=Resources(memory_mb=512, cpus=0.5, pids=64),
)


def body(image: AgentImage = IMAGE) -> dict[str, Any]:
    made: dict[str, Any] = container_body(
        LAUNCH,
        image,
        network_id="network",
        labels=OWNER.labels(AGENT, ORG, 3),
        init=Path("/opt/agent_init.sh"),
    )
    return made


def test_nothing_secret_is_in_the_body() -> None:
    assert "canary" not in json.dumps(body())


def test_nothing_secret_is_in_the_representation_of_a_launch() -> None:
    assert "canary" not in repr(LAUNCH)


def test_the_init_runs_before_the_images_own_command() -> None:
    made = body()

    assert made["Entrypoint"] == ["/bin/sh", "/ag2trust/init", "/entry", "argument"]
    assert made["Cmd"] == []


def test_resources_are_limits_and_leave_no_swap() -> None:
    made = body()

    host = made["HostConfig"]
    assert host["Memory"] == host["MemorySwap"] == 512 * 1024 * 1024
    assert host["NanoCpus"] == 500_000_000
    assert host["PidsLimit"] == 64


@pytest.mark.parametrize("user", ["", "root", "0", "0:0", "00", "root:staff", "0:1000"])
def test_an_image_that_runs_as_root_runs_as_nobody(user: str) -> None:
    image = AgentImage(command=("/entry",), user=user, volumes=frozenset())

    assert body(image)["User"] == "65534:65534"


@pytest.mark.parametrize("user", ["1000", "agent", "1000:0", "10001:10001"])
def test_an_image_with_a_user_of_its_own_keeps_it(user: str) -> None:
    image = AgentImage(command=("/entry",), user=user, volumes=frozenset())

    assert body(image)["User"] == user


def test_an_images_volumes_live_in_memory() -> None:
    image = AgentImage(("/entry",), "", frozenset({"/data", "/tmp"}))  # noqa: S108

    mounts = body(image)["HostConfig"]["Mounts"]

    assert [(each["Type"], each["Target"]) for each in mounts] == [
        ("bind", "/ag2trust/init"),
        ("tmpfs", "/data"),
        ("tmpfs", "/tmp"),  # noqa: S108
    ]


def test_the_init_may_come_from_a_volume() -> None:
    made = container_body(
        LAUNCH, IMAGE, network_id="network", labels={}, init=Volume("init")
    )

    assert made["HostConfig"]["Mounts"][0] == {
        "Type": "volume",
        "Source": "init",
        "Target": "/ag2trust",
        "ReadOnly": True,
        "VolumeOptions": {"NoCopy": True},
    }


def test_an_image_is_read_as_docker_describes_it() -> None:
    config = {
        "Entrypoint": ["/entry"],
        "Cmd": ["argument"],
        "User": "agent",
        "Volumes": {"/data": {}},
    }

    image = image_from({"Config": config})

    assert image == AgentImage(("/entry", "argument"), "agent", frozenset({"/data"}))


def test_an_image_may_say_nothing() -> None:
    config = {"Entrypoint": None, "Cmd": None, "User": "", "Volumes": None}

    image = image_from({"Config": config})

    assert image == AgentImage((), "", frozenset())


def test_a_network_is_internal_and_its_default_route_leads_nowhere() -> None:
    made = network_body("name", IPv4Network("10.201.0.8/29"), {})

    assert made["Internal"]
    assert made["IPAM"]["Config"] == [
        {
            "Subnet": "10.201.0.8/29",
            "Gateway": "10.201.0.9",
            "AuxiliaryAddresses": {"DefaultGatewayIPv4": "10.201.0.14"},
        }
    ]


def test_labels_say_what_is_placed() -> None:
    labels = OWNER.labels(AGENT, ORG, 3)

    placed = placed_from(labels, is_running=True)

    assert placed == Placed(AGENT, ORG, 3, is_running=True)


def test_a_filter_finds_one_runners_things_only() -> None:
    assert OWNER.filters() == {
        "label": ["ag2trust.installation=here", "ag2trust.runner=runner-1"]
    }
    assert OWNER.filters(AGENT)["label"][-1] == f"ag2trust.agent={AGENT}"
