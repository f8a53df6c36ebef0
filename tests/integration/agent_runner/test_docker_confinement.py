"""What an agent's container cannot do, and what Docker does not get to know."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from agent_runner.runtimes.errors import ImageRefusedError
from agent_runner.runtimes.runtime import Resources, Runtime

from .docker_lab import SOCKET, DockerLab
from .door import KNOCK
from .waiting import printed

pytestmark = pytest.mark.docker

NO_TIME = timedelta()
WAIT = KNOCK + "echo up >&3; sleep 1000"


@pytest.fixture
async def runtime(lab: DockerLab) -> AsyncIterator[Runtime]:
    async with lab.runtime() as runtime:
        yield runtime


async def body_of_a_running_agent(
    lab: DockerLab, runtime: Runtime, image: str
) -> dict[str, Any]:
    async with lab.guest(runtime, image) as guest:
        await runtime.launch(guest.launch)
        return await lab.shown(guest.id)


async def test_a_container_is_made_as_the_design_says(
    lab: DockerLab, runtime: Runtime
) -> None:
    image = await lab.image(WAIT)

    async with lab.guest(
        runtime, image, resources=Resources(memory_mb=64, cpus=0.5, pids=32)
    ) as guest:
        await runtime.launch(guest.launch)
        shown = await lab.shown(guest.id)

    config, host = shown["Config"], shown["HostConfig"]
    assert config["OpenStdin"]
    assert config["StdinOnce"]
    assert not config["Tty"]
    assert config["Env"] == ["PATH=/bin"]  # the image's own
    assert host["LogConfig"]["Type"] == "none"
    assert host["RestartPolicy"]["Name"] == "no"
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["ReadonlyRootfs"]
    assert host["Memory"] == host["MemorySwap"] == 64 * 1024 * 1024
    assert host["NanoCpus"] == 500_000_000
    assert host["PidsLimit"] == 32
    assert not host["Privileged"]
    assert not host["Devices"]
    assert not host["CapAdd"]
    assert not host["PortBindings"]
    assert host["IpcMode"] == "private"
    assert host["Dns"] == ["127.0.0.1"]
    assert host["ShmSize"] == 16 * 1024 * 1024
    for mode in ("PidMode", "UTSMode", "UsernsMode", "Cgroup", "CgroupParent"):
        assert not host[mode]
    for shared in ("Binds", "VolumesFrom", "Links", "ExtraHosts", "GroupAdd"):
        assert not host[shared]
    assert not host["OomKillDisable"]


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
    ("user", "seen"),
    [
        ("root", "65534"),
        ("0:0", "65534"),
        ("disguised", "65534"),
        ("1234:1234", "1234"),
    ],
)
async def test_nobody_is_root(
    lab: DockerLab, runtime: Runtime, user: str, seen: str
) -> None:
    """Not even who has another name for it; an ordinary container lets that pass."""
    disguise = 'RUN ["/bin/bash", "-c", "echo disguised:x:0:0::/: >/etc/passwd"]'
    image = await lab.image("id -u; id -g", disguise, f"USER {user}")

    assert await printed(lab, runtime, image) == [seen, seen]
    if user == "disguised":
        assert await lab.plain(image) == ["0", "0"]


async def test_an_agent_has_no_capabilities_and_gains_none(
    lab: DockerLab, runtime: Runtime
) -> None:
    image = await lab.image("grep -E '^(Cap|NoNewPrivs)' /proc/self/status")

    lines = dict(line.split(":\t") for line in await printed(lab, runtime, image))

    assert lines.pop("NoNewPrivs") == "1"
    assert lines.keys() == {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}
    assert {int(mask, 16) for mask in lines.values()} == {0}


async def test_a_program_that_would_make_root_of_anybody_does_not(
    lab: DockerLab, runtime: Runtime
) -> None:
    set_user = 'RUN ["/bin/perl", "-e", "chmod 04755, q(/bin/id)"]'
    image = await lab.image("id -u", set_user, "USER 1234:1234")

    assert await printed(lab, runtime, image) == ["1234"]
    assert await lab.plain(image) == ["0"]


async def test_the_kernel_is_asked_through_a_filter(
    lab: DockerLab, runtime: Runtime
) -> None:
    """Docker's own: without it anybody may have a user namespace, root in it."""
    image = await lab.image(
        "unshare --user id -u; grep Seccomp: /proc/self/status", "USER 1234:1234"
    )

    confined = await printed(lab, runtime, image)
    unfiltered = await lab.plain(image, SecurityOpt=["seccomp=unconfined"])

    assert sorted(confined) == [
        "Seccomp:\t2",
        "unshare: unshare failed: Operation not permitted",
    ]
    assert unfiltered == ["65534", "Seccomp:\t0"]


async def test_an_agent_cannot_forge_packets(lab: DockerLab, runtime: Runtime) -> None:
    """Neither a raw socket nor one of the link's own."""
    image = await lab.image(
        "perl -le 'print socket(S, 2, 3, 1) ? 1 : 0, socket(S, 17, 3, 768) ? 1 : 0'"
    )

    assert await printed(lab, runtime, image) == ["00"]
    assert await lab.plain(image) == ["11"]


async def test_an_agent_finds_no_socket_of_the_host(
    lab: DockerLab, runtime: Runtime
) -> None:
    """Docker's least of all; a container that is given it sees it."""
    image = await lab.image(
        "for each in /*.sock /run/* /run/*/* /var/run/* /tmp/* /ag2trust/*; do "
        '[ -S "$each" ] && echo "$each"; done; true'
    )

    assert await printed(lab, runtime, image) == []
    socket = {"Type": "bind", "Source": str(SOCKET), "Target": "/docker.sock"}
    assert await lab.plain(image, Mounts=[socket]) == ["/docker.sock"]


async def test_an_agent_sees_no_processes_but_its_own(
    lab: DockerLab, runtime: Runtime
) -> None:
    image = await lab.image("for each in /proc/[0-9]*; do echo ${each#/proc/}; done")

    assert await printed(lab, runtime, image) == ["1"]
    assert len(await lab.plain(image, PidMode="host")) > 1


async def test_an_image_with_a_volume_is_refused(
    lab: DockerLab, runtime: Runtime
) -> None:
    """It would be a folder of the host, without bounds."""
    image = await lab.image("true", 'VOLUME ["/data"]')

    async with lab.guest(runtime, image) as guest:
        with pytest.raises(ImageRefusedError, match="declares volumes"):
            await runtime.launch(guest.launch)

    assert not await lab.containers()


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
