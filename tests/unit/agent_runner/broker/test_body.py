from ipaddress import IPv4Network
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from agent_runner.broker.body import (
    Owner,
    Volume,
    container_body,
    network_body,
    placed_from,
)
from agent_runner.broker.images import AgentImage
from agent_runner.broker.wire import LaunchAgent, Limits
from agent_runner.runtimes.runtime import Placed

AGENT = UUID(int=1)
ORG = UUID(int=2)
OWNER = Owner(installation="here", runner="runner-1")


def image_of(user: str = "") -> AgentImage:
    return AgentImage(
        id="sha256:1",
        names=frozenset(),
        command=("/entry", "argument"),
        user=user,
        volumes=frozenset(),
    )


LAUNCH = LaunchAgent(
    agent_id=AGENT,
    org_id=ORG,
    epoch=3,
    image="agent:1",
    limits=Limits(memory_mb=512, cpus=0.5, pids=64),
    frame_bytes=0,
)
IMAGE = image_of()


def body(image: AgentImage = IMAGE) -> dict[str, Any]:
    made: dict[str, Any] = container_body(
        LAUNCH,
        image,
        network_id="network",
        labels=OWNER.labels(AGENT, ORG, 3),
        init=Path("/opt/agent_init.sh"),
    )
    return made


def test_the_image_that_was_looked_at_is_the_one_that_runs() -> None:
    assert body()["Image"] == "sha256:1"


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


@pytest.mark.parametrize(
    "user",
    ["", "root", "0", "0:0", "00", "root:staff", "0:1000", "agent", "1:root", "-1"],
)
def test_an_image_that_may_run_as_root_runs_as_nobody(user: str) -> None:
    assert body(image_of(user))["User"] == "65534:65534"


@pytest.mark.parametrize("user", ["1000", "1000:0", "10001:10001"])
def test_an_image_with_a_numbered_user_keeps_it(user: str) -> None:
    assert body(image_of(user))["User"] == user


def test_a_container_runtime_is_named_only_where_one_is_set() -> None:
    made = container_body(
        LAUNCH,
        IMAGE,
        network_id="network",
        labels={},
        init=Volume("init"),
        container_runtime="runsc",
    )

    assert made["HostConfig"]["Runtime"] == "runsc"
    assert "Runtime" not in body()["HostConfig"]


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
