"""What an agent's container cannot do, and what Docker does not get to know."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from agent_runner.broker.engine import engine_at
from agent_runner.runtimes.launch_frame import READY, REFUSED
from agent_runner.runtimes.runtime import Resources, Runtime
from shared.ids import new_id

from .docker_lab import ORG, SOCKET, DockerLab
from .door import KNOCK, open_door
from .waiting import next_exit

pytestmark = pytest.mark.docker

NO_TIME = timedelta()
WAIT = KNOCK + "echo up >&3; sleep 1000"


@pytest.fixture
async def runtime(lab: DockerLab) -> AsyncIterator[Runtime]:
    async with lab.runtime() as runtime:
        yield runtime


async def printed(lab: DockerLab, runtime: Runtime, image: str) -> list[str]:
    """Run an agent of *image* to its end; return the lines of its command.

    Docker's two streams keep their own order, so the init's line may come anywhere.
    """
    async with lab.guest(runtime, image) as guest:
        await runtime.launch(guest.launch)
        exited = await next_exit(runtime)
    init = READY.decode().strip()
    return [line for line in exited.last_words.splitlines() if line != init]


async def body_of_a_running_agent(
    lab: DockerLab, runtime: Runtime, image: str
) -> dict[str, Any]:
    async with lab.guest(runtime, image) as guest:
        await runtime.launch(guest.launch)
        return await lab.shown(guest.id)


async def test_docker_and_its_files_never_hold_what_the_environment_holds(
    lab: DockerLab, runtime: Runtime
) -> None:
    canary = uuid4().hex
    image = await lab.image(WAIT)
    environment = {
        "AG2TRUST_AGENT_TOKEN": f"token_{canary}",
        "OPENAI_API_KEY": f"sk-{canary}",
        "OPENAI_BASE_URL": f"http://10.0.0.1/a/{canary}/openai/v1",
    }

    async with lab.guest(runtime, image, environment=environment) as guest:
        await runtime.launch(guest.launch)
        assert await guest.door.hears() == "up"

        assert canary not in json.dumps(await lab.shown(guest.id))
        assert canary not in json.dumps(await lab.networks(guest.id))
        assert await lab.files_with(canary) == []

        await runtime.stop(guest.id, grace=NO_TIME)
        assert await lab.files_with(canary) == []


async def test_an_environment_that_docker_is_told_is_found_in_its_files(
    lab: DockerLab,
) -> None:
    """The negative control: the search above does find what Docker writes."""
    canary = uuid4().hex
    config: dict[str, Any] = {
        "Image": await lab.image(),
        "Env": [f"OPENAI_API_KEY=sk-{canary}"],
        "Labels": {"ag2trust.installation": lab.installation},
    }

    container = await lab.docker.containers.create(config)

    assert canary in json.dumps(await container.show())
    assert await lab.files_with(canary)


async def test_a_container_is_made_as_the_design_says(
    lab: DockerLab, runtime: Runtime
) -> None:
    image = await lab.image(WAIT)

    async with lab.guest(
        runtime, image, resources=Resources(memory_mb=64, cpus=0.5, pids=32)
    ) as guest:
        await runtime.launch(guest.launch)
        shown = await lab.shown(guest.id)

    host = shown["HostConfig"]
    assert host["LogConfig"]["Type"] == "none"
    assert host["RestartPolicy"]["Name"] == "no"
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["ReadonlyRootfs"]
    assert host["Memory"] == host["MemorySwap"] == 64 * 1024 * 1024
    assert host["NanoCpus"] == 500_000_000
    assert host["PidsLimit"] == 32
    assert not host["Privileged"]
    assert not host["Binds"]
    assert not host["Devices"]
    assert not host["CapAdd"]
    assert not host["PortBindings"]
    assert not host["PidMode"]
    assert host["IpcMode"] == "private"


async def test_the_init_is_all_that_is_mounted_from_the_host(
    lab: DockerLab, runtime: Runtime
) -> None:
    image = await lab.image(WAIT)

    shown = await body_of_a_running_agent(lab, runtime, image)

    mounts = {each["Destination"]: each for each in shown["Mounts"]}
    assert mounts.keys() == {"/ag2trust/init", "/tmp"}  # noqa: S108
    assert not mounts.pop("/ag2trust/init")["RW"]
    assert {each["Type"] for each in mounts.values()} == {"tmpfs"}


async def test_an_image_cannot_bring_a_health_check(
    lab: DockerLab, runtime: Runtime
) -> None:
    image = await lab.image(WAIT, "HEALTHCHECK --interval=1s CMD cat /proc/1/environ")

    shown = await body_of_a_running_agent(lab, runtime, image)

    assert shown["Config"]["Healthcheck"]["Test"] == ["NONE"]
    assert "Health" not in shown["State"]


async def test_docker_keeps_no_log(lab: DockerLab, runtime: Runtime) -> None:
    image = await lab.image("echo canary; " + WAIT)

    shown = await body_of_a_running_agent(lab, runtime, image)

    assert shown["LogPath"] == ""


@pytest.mark.parametrize(
    ("user", "seen"), [("root", "65534"), ("0:0", "65534"), ("1234:1234", "1234")]
)
async def test_nobody_is_root(
    lab: DockerLab, runtime: Runtime, user: str, seen: str
) -> None:
    image = await lab.image("id -u; id -g", f"USER {user}")

    assert await printed(lab, runtime, image) == [seen, seen]


async def test_an_agent_has_no_capabilities_and_gains_none(
    lab: DockerLab, runtime: Runtime
) -> None:
    image = await lab.image("grep -E '^(Cap|NoNewPrivs)' /proc/self/status")

    lines = dict(line.split(":\t") for line in await printed(lab, runtime, image))

    assert lines.pop("NoNewPrivs") == "1"
    assert lines.keys() == {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}
    assert {int(mask, 16) for mask in lines.values()} == {0}


async def test_an_agent_writes_to_tmp_alone(lab: DockerLab, runtime: Runtime) -> None:
    """Not even to a file of its own image that its user owns."""
    image = await lab.image(
        "for file in /owned/ls /ag2trust/init /tmp/file; do "
        "  (echo x >>$file) 2>/dev/null && echo $file; "
        "done",
        "COPY --chown=1234:1234 root/bin/ls /owned/",
        "USER 1234:1234",
    )

    assert await printed(lab, runtime, image) == ["/tmp/file"]  # noqa: S108


async def test_nothing_can_be_run_from_tmp(lab: DockerLab, runtime: Runtime) -> None:
    image = await lab.image("cat /bin/id >/tmp/id; cat /proc/mounts | grep ' /tmp '")

    [mount] = await printed(lab, runtime, image)

    options = set(mount.split()[3].split(","))
    assert options >= {"noexec", "nosuid", "nodev", "size=16384k"}


async def test_an_agent_leaves_no_core_and_opens_few_files(
    lab: DockerLab, runtime: Runtime
) -> None:
    image = await lab.image("ulimit -Hc; ulimit -Hn")

    assert await printed(lab, runtime, image) == ["0", "1024"]


async def test_an_agent_finds_no_names(lab: DockerLab, runtime: Runtime) -> None:
    image = await lab.image(
        "exec 3<>/dev/tcp/example.com/80 && echo found; grep -v '^#' /etc/resolv.conf"
    )

    lines = await printed(lab, runtime, image)

    assert "found" not in lines
    assert not [line for line in lines if line.startswith("search")]


async def test_an_agent_does_not_reach_another_agents_listener(
    lab: DockerLab, runtime: Runtime
) -> None:
    other = await runtime.connect(new_id(), ORG, 1)

    async with open_door(other) as theirs:
        port = theirs.url.rpartition(":")[2]
        knock = f"(exec 4<>/dev/tcp/{other}/{port}) 2>/dev/null && echo reached; "
        image = await lab.image(KNOCK + knock + "echo done")

        assert await printed(lab, runtime, image) == ["done"]


async def test_an_init_whose_runner_goes_away_ends(
    lab: DockerLab, runtime: Runtime
) -> None:
    """Its input ends with the attachment (`StdinOnce`), and it has no environment."""
    image = await lab.image(WAIT)

    async with (
        lab.guest(runtime, image) as guest,
        engine_at(SOCKET, lab.owner) as engine,
    ):
        container_id = await lab.created(guest, engine)
        async with engine.attached(container_id):
            await engine.start(container_id)
        [container] = await lab.containers(guest.id)
        ended = await container.wait()

    assert ended["StatusCode"] == REFUSED
