"""What the launch broker refuses, attacked over its own socket."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from ag2trust.waiting import until
from agent_runner.broker.images import AllowedImages
from agent_runner.runtimes.launch_frame import MAX_FRAME_BYTES, launch_frame
from shared.ids import new_id

from .broker_client import FRAME, calling, connected, launch_request, told
from .docker_lab import SOCKET, DockerLab
from .door import KNOCK, Door
from .engine_cable import engine_cable

pytestmark = pytest.mark.docker

WAIT = "sleep 1000"
MALFORMED = "MALFORMED_REQUEST"


@pytest.fixture
async def broker(lab: DockerLab) -> AsyncIterator[Path]:
    async with lab.broker() as broker:
        yield broker


async def launched(broker: Path, image: str) -> tuple[UUID, str]:
    """Return the agent's id and its container's."""
    agent_id = await connected(broker)
    answer = await told(broker, launch_request(agent_id, image), FRAME)
    return agent_id, answer["container_id"]


async def nothing_is_left(lab: DockerLab) -> None:
    async def left() -> list[object]:
        return [*await lab.containers(), *await lab.networks()]

    await until("nothing left", left, lambda found: not found)


async def lines_heard(door: Door, *, most: int) -> int:
    """Count lines until none comes for a while."""
    for count in range(most):
        try:
            async with asyncio.timeout(5):
                await door.hears()
        except TimeoutError:
            return count
    return most


@pytest.mark.parametrize(
    "request_line",
    [
        "GET /containers/json HTTP/1.1",
        "GET /v1.41/info HTTP/1.1",
        "POST /containers/create HTTP/1.1",
        "POST /v1.41/images/create?fromImage=x HTTP/1.1",
    ],
)
async def test_dockers_own_api_is_not_spoken(broker: Path, request_line: str) -> None:
    http = f"{request_line}\r\nHost: docker\r\nContent-Length: 0\r\n\r\n".encode()

    assert (await told(broker, http))["code"] == MALFORMED

    reader, writer = await asyncio.open_unix_connection(SOCKET)
    writer.write(http)
    assert (await reader.readline()).startswith(b"HTTP/1.1 ")
    writer.close()


@pytest.mark.parametrize(
    "words",
    [
        *(b"\n", b"\0\n", b"{}\n", b"[]\n", b"null\n", b'"survey"\n', b"\xff\xfe\n"),
        *(b'{"ask": "exec"}\n', b'{"ask": "survey", "all": true}\n'),
        b'{"ask": "survey"} {"ask": "survey"}\n',
        b"[" * 10_000 + b"\n",
        b'{"ask": "' + b"x" * 100_000 + b'"}\n',
        b"x" * 100_000,
    ],
)
async def test_what_is_no_request_is_refused(broker: Path, words: bytes) -> None:
    assert (await told(broker, words))["code"] == MALFORMED


@pytest.mark.parametrize(
    "foreign",
    [
        {"privileged": True},
        {"Privileged": True},
        {"HostConfig": {"Privileged": True}},
        {"binds": ["/:/host"]},
        {"mounts": [{"Type": "bind", "Source": "/", "Target": "/host"}]},
        {"network_mode": "host"},
        {"cap_add": ["SYS_ADMIN"]},
        {"devices": ["/dev/kmsg"]},
        {"command": ["/bin/sh"]},
        {"env": {"LD_PRELOAD": "/x"}},
        {"user": "0:0"},
        {"labels": {"ag2trust.installation": "another"}},
        {"runtime": "runc"},
        {"limits": {"memory_mb": 64, "cpus": 1, "pids": 64, "oom_disabled": True}},
    ],
)
async def test_a_launch_with_anything_more_is_refused(
    broker: Path, foreign: dict[str, Any]
) -> None:
    request = launch_request(new_id(), "no-such-image") | foreign

    assert (await told(broker, request, FRAME))["code"] == MALFORMED


@pytest.mark.parametrize(
    "spoilt",
    [
        {"agent_id": "../../etc"},
        {"agent_id": 1},
        {"epoch": -1},
        {"epoch": "7"},
        {"limits": {"memory_mb": 0, "cpus": 1, "pids": 64}},
        {"limits": {"memory_mb": -1, "cpus": 1, "pids": 64}},
        {"limits": {"memory_mb": 64, "cpus": 0, "pids": 64}},
        {"limits": {"memory_mb": 64, "cpus": 1e-12, "pids": 64}},
        {"limits": {"memory_mb": 64, "cpus": 1e999, "pids": 64}},
        {"limits": {"memory_mb": 64, "cpus": 1, "pids": 0}},
        {"limits": {"memory_mb": 64, "cpus": 1, "pids": -1}},
        {"limits": {}},
        {"frame_bytes": MAX_FRAME_BYTES + 1},
        {"frame_bytes": -1},
        {"image": "x" * 1000},
        {"image": None},
    ],
)
async def test_a_launch_without_bounds_is_refused(
    broker: Path, spoilt: dict[str, Any]
) -> None:
    request = launch_request(new_id(), "no-such-image") | spoilt

    assert (await told(broker, request, FRAME))["code"] == MALFORMED


async def test_the_same_launch_unspoilt_is_granted(
    lab: DockerLab, broker: Path
) -> None:
    agent_id, _ = await launched(broker, await lab.image(WAIT))

    assert len(await lab.containers(agent_id)) == 1


@pytest.mark.parametrize("ask", ["get_state", "follow_output"])
@pytest.mark.parametrize("name", ["", "abc", "../info", "A" * 64, "a" * 63, "a" * 65])
async def test_only_a_whole_id_names_a_container(
    broker: Path, ask: str, name: str
) -> None:
    answer = await told(broker, {"ask": ask, "container_id": name})

    assert answer["code"] == MALFORMED


async def test_an_image_that_the_settings_do_not_name_is_refused(
    lab: DockerLab,
) -> None:
    """Under every name it has, its id included; and allowed where it is named."""
    image = await lab.image(WAIT)
    shown = await lab.docker.images.inspect(image)
    names = (image, shown["Id"], shown["Id"].removeprefix("sha256:")[:12])

    async with lab.broker(images=AllowedImages.parse("another/image")) as broker:
        agent_id = await connected(broker)
        answers = [
            await told(broker, launch_request(agent_id, name), FRAME) for name in names
        ]
        checked = await told(broker, {"ask": "check_image", "image": image})

    assert {answer["code"] for answer in (*answers, checked)} == {"IMAGE_REFUSED"}
    assert not await lab.containers()
    async with lab.broker() as broker:
        assert await told(broker, {"ask": "check_image", "image": image}) == {}


async def test_an_image_may_be_pinned_by_its_digest(lab: DockerLab) -> None:
    image, other = await lab.image(WAIT), await lab.image(f"{WAIT}; true")
    digest = (await lab.docker.images.inspect(image))["Id"]
    pinned = AllowedImages.parse(f"{lab.installation}@{digest}")

    async with lab.broker(images=pinned) as broker:
        allowed = await told(broker, {"ask": "check_image", "image": image})
        refused = await told(broker, {"ask": "check_image", "image": other})

    assert allowed == {}
    assert refused["code"] == "IMAGE_REFUSED"


@pytest.mark.parametrize(
    "theirs", [{"runner": "runner-2"}, {"installation": "test-another"}]
)
async def test_what_another_owner_has_cannot_be_touched(
    lab: DockerLab, theirs: dict[str, Any]
) -> None:
    image = await lab.image(WAIT)

    async with lab.broker(**theirs) as their_broker, lab.broker() as broker:
        agent_id, container_id = await launched(their_broker, image)
        container = {"container_id": container_id}
        stop = {"ask": "stop_agent", "agent_id": str(agent_id), "grace_seconds": 0}

        seen = await told(broker, {"ask": "survey"})
        state = await told(broker, {"ask": "get_state", **container})
        followed = await told(broker, {"ask": "follow_output", **container})
        stopped = await told(broker, stop)

        assert seen == {"containers": [], "networks": []}
        assert state == {"state": None}
        assert followed["code"] == "LAUNCH_FAILED"
        assert stopped == {}
        theirs_now = await told(their_broker, {"ask": "get_state", **container})
        assert theirs_now["state"]["is_running"]
        await told(their_broker, stop)


async def test_another_account_is_not_served(lab: DockerLab) -> None:
    """The kernel says who it is, so this test plays the other account's broker."""
    survey = {"ask": "survey"}

    async with lab.broker(peer_uid=os.geteuid() + 1) as broker:
        assert (await told(broker, survey))["code"] == "FORBIDDEN"
    async with lab.broker(peer_uid=os.geteuid()) as broker:
        assert "containers" in await told(broker, survey)


@pytest.mark.torture  # who says half is given up after as long, below
async def test_who_says_nothing_is_not_waited_for(broker: Path) -> None:
    async with calling(broker) as line:
        await line.say(b'{"ask": ')

        assert (await line.hears())["code"] == MALFORMED
        assert await line.hears() is None


async def test_an_environment_that_hangs_or_ends_early_leaves_no_container(
    lab: DockerLab, broker: Path
) -> None:
    agent_id = await connected(broker)
    request = launch_request(agent_id, await lab.image(WAIT))

    async with calling(broker) as hangs, calling(broker) as ends:
        await hangs.say(request, FRAME[:-1])
        await ends.say(request, FRAME[:-1])
        ends.end()
        answers = [await ends.hears(), await hangs.hears()]

    assert {answer["code"] for answer in answers} == {MALFORMED}
    assert not await lab.containers()
    assert "container_id" in await told(broker, request, FRAME)


async def test_a_runner_that_dies_in_the_middle_of_a_launch_leaves_nothing(
    lab: DockerLab, tmp_path_factory: pytest.TempPathFactory
) -> None:
    socket = tmp_path_factory.mktemp("cable") / "docker.sock"
    image = await lab.image(WAIT)

    async with (
        engine_cable(SOCKET, socket) as cable,
        lab.broker(engine=socket) as broker,
    ):
        agent_id = await connected(broker)
        cable.clog(b"/start")
        async with calling(broker) as line:
            await line.say(launch_request(agent_id, image), FRAME)
            async with asyncio.timeout(60):
                await cable.clogged.wait()
            assert len(await lab.containers()) == 1

        await nothing_is_left(lab)


async def test_an_agent_goes_on_when_its_runner_hangs_up(
    lab: DockerLab, broker: Path
) -> None:
    _, container_id = await launched(broker, await lab.image(WAIT))

    state = await told(broker, {"ask": "get_state", "container_id": container_id})

    assert state["state"]["is_running"]


async def test_output_that_nobody_takes_is_kept_by_nobody(lab: DockerLab) -> None:
    """The agent tells the door of each MiB it got rid of, until it is held up."""
    mebibyte = 'for i in {1..1024}; do echo "$line"; done'
    image = await lab.image(
        f"{KNOCK} printf -v line %1023s; while {mebibyte}; do echo more >&3; done"
    )

    async with (
        lab.runtime() as runtime,
        lab.guest(runtime, image) as guest,
        lab.broker() as broker,
        calling(broker) as line,
    ):
        frame = launch_frame(guest.launch.environment)
        request = launch_request(guest.id, image) | {"frame_bytes": len(frame)}
        await line.say(request, frame)
        assert "container_id" in await line.hears()
        assert await guest.door.hears() == "more"
        mebibytes = 1 + await lines_heard(guest.door, most=100)

    assert mebibytes < 10


async def test_a_container_runtime_that_the_engine_lacks_is_named(
    lab: DockerLab,
) -> None:
    image = await lab.image(WAIT)

    async with lab.broker(container_runtime="no-such-runtime") as broker:
        agent_id = await connected(broker)
        answer = await told(broker, launch_request(agent_id, image), FRAME)

    assert answer["code"] == "LAUNCH_FAILED"
    assert "does not offer the container runtime no-such-runtime" in answer["failure"]
    assert "runc" in answer["failure"]
    assert not await lab.containers()


async def test_a_container_runtime_that_the_engine_offers_runs_the_agent(
    lab: DockerLab,
) -> None:
    image = await lab.image(WAIT)

    async with lab.broker(container_runtime="runc") as broker:
        agent_id, _ = await launched(broker, image)

    assert (await lab.shown(agent_id))["HostConfig"]["Runtime"] == "runc"
