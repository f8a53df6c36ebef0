"""What an agent's container cannot do, and what Docker does not get to know."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from agent_runner.runtimes.errors import ImageRefusedError
from agent_runner.runtimes.runtime import Resources, Runtime

from .docker_lab import SOCKET, DockerLab, docker_lab
from .door import KNOCK
from .waiting import printed

pytestmark = pytest.mark.docker

WAIT = KNOCK + "echo up >&3; sleep 1000"
HEALTH_CHECK = "HEALTHCHECK --interval=1s CMD cat /proc/1/environ"
LOOKS = {
    "capabilities": "grep -E '^(Cap|NoNewPrivs)' /proc/self/status",
    "filter": "unshare --user id -u; grep Seccomp: /proc/self/status",
    "packets": (
        "perl -le 'print socket(S, 2, 3, 1) ? 1 : 0, socket(S, 17, 3, 768) ? 1 : 0'"
    ),
    "sockets": (
        "for each in /*.sock /run/* /run/*/* /var/run/* /tmp/* /ag2trust/*; do "
        '[ -S "$each" ] && echo "$each"; done'
    ),
    "processes": "for each in /proc/[0-9]*; do echo ${each#/proc/}; done",
    "written": (
        "for file in /owned/Dockerfile /ag2trust/init /tmp/file; do "
        "(echo x >>$file) 2>/dev/null && echo $file; done"
    ),
    "scratch": "cat /bin/id >/tmp/id; grep ' /tmp ' /proc/mounts",
    "bounds": "ulimit -Hc; ulimit -Hn",
}
OWNED = "COPY --chown=65534:65534 Dockerfile /owned/"  # by whoever would be root
EVERYTHING = {
    "SecurityOpt": ["seccomp=unconfined"],
    "PidMode": "host",
    "Mounts": [{"Type": "bind", "Source": str(SOCKET), "Target": "/docker.sock"}],
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What each of `LOOKS` finds in an agent, and in a container given `EVERYTHING`."""

    by_agent: Mapping[str, list[str]]
    by_other: Mapping[str, list[str]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def seen() -> Seen:
    looks = (f"echo '= {name}'; {{ {look}; }} 2>&1" for name, look in LOOKS.items())
    async with docker_lab() as lab, lab.runtime() as runtime:
        image = await lab.image("; ".join(looks), OWNED)
        return Seen(
            by_agent=_looks(await printed(lab, runtime, image)),
            by_other=_looks(await lab.plain(image, **EVERYTHING)),
        )


def _looks(lines: list[str]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in lines:
        if line.startswith("= "):
            found[line.removeprefix("= ")] = looked = []
        else:
            looked.append(line)
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shown() -> dict[str, Any]:
    """Return what Docker knows of an agent while it runs."""
    few = Resources(memory_mb=64, cpus=0.5, pids=32)
    async with docker_lab() as lab, lab.runtime() as runtime:
        image = await lab.image(f"echo canary; {WAIT}", HEALTH_CHECK)
        async with lab.guest(runtime, image, resources=few) as guest:
            await runtime.launch(guest.launch)
            return await lab.shown(guest.id)


@pytest.fixture
async def runtime(lab: DockerLab) -> AsyncIterator[Runtime]:
    async with lab.runtime() as runtime:
        yield runtime


def test_a_container_is_made_as_the_design_says(shown: dict[str, Any]) -> None:
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


def test_the_init_is_all_that_is_mounted_from_the_host(shown: dict[str, Any]) -> None:
    mounts = {each["Destination"]: each for each in shown["Mounts"]}

    assert mounts.keys() == {"/ag2trust/init", "/tmp"}  # noqa: S108
    assert not mounts.pop("/ag2trust/init")["RW"]
    assert {each["Type"] for each in mounts.values()} == {"tmpfs"}


def test_an_image_cannot_bring_a_health_check(shown: dict[str, Any]) -> None:
    assert shown["Config"]["Healthcheck"]["Test"] == ["NONE"]
    assert "Health" not in shown["State"]


def test_docker_keeps_no_log(shown: dict[str, Any]) -> None:
    assert shown["LogPath"] == ""


@pytest.mark.parametrize(
    ("user", "seen_as"),
    [
        ("disguised", "65534"),
        ("1234:1234", "1234"),
        pytest.param("root", "65534", marks=pytest.mark.torture),
        pytest.param("0:0", "65534", marks=pytest.mark.torture),
    ],
)
async def test_nobody_is_root(
    lab: DockerLab, runtime: Runtime, user: str, seen_as: str
) -> None:
    """Not even who has another name for it; an ordinary container lets that pass."""
    disguise = 'RUN ["/bin/bash", "-c", "echo disguised:x:0:0::/: >/etc/passwd"]'
    image = await lab.image("id -u; id -g", disguise, f"USER {user}")

    assert await printed(lab, runtime, image) == [seen_as, seen_as]
    if user == "disguised":
        assert await lab.plain(image) == ["0", "0"]


def test_an_agent_has_no_capabilities_and_gains_none(seen: Seen) -> None:
    lines = dict(line.split(":\t") for line in seen.by_agent["capabilities"])

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


def test_the_kernel_is_asked_through_a_filter(seen: Seen) -> None:
    """Docker's own: without it anybody may have a user namespace, root in it."""
    assert seen.by_agent["filter"] == [
        "unshare: unshare failed: Operation not permitted",
        "Seccomp:\t2",
    ]
    assert seen.by_other["filter"] == ["65534", "Seccomp:\t0"]


def test_an_agent_cannot_forge_packets(seen: Seen) -> None:
    """Neither a raw socket nor one of the link's own."""
    assert seen.by_agent["packets"] == ["00"]
    assert seen.by_other["packets"] == ["11"]


def test_an_agent_finds_no_socket_of_the_host(seen: Seen) -> None:
    """Docker's least of all; a container that is given it sees it."""
    assert seen.by_agent["sockets"] == []
    assert seen.by_other["sockets"] == ["/docker.sock"]


def test_an_agent_sees_no_processes_but_its_own(seen: Seen) -> None:
    assert seen.by_agent["processes"] == ["1"]
    assert len(seen.by_other["processes"]) > 1


async def test_an_image_with_a_volume_is_refused(
    lab: DockerLab, runtime: Runtime
) -> None:
    """It would be a folder of the host, without bounds."""
    image = await lab.image("true", 'VOLUME ["/data"]')

    async with lab.guest(runtime, image) as guest:
        with pytest.raises(ImageRefusedError, match="declares volumes"):
            await runtime.launch(guest.launch)

    assert not await lab.containers()


def test_an_agent_writes_to_tmp_alone(seen: Seen) -> None:
    """Not even to a file of its own image that its user owns."""
    assert seen.by_agent["written"] == ["/tmp/file"]  # noqa: S108
    assert "/owned/Dockerfile" in seen.by_other["written"]


def test_nothing_can_be_run_from_tmp(seen: Seen) -> None:
    [mount] = seen.by_agent["scratch"]

    options = set(mount.split()[3].split(","))
    assert options >= {"noexec", "nosuid", "nodev", "size=16384k"}


def test_an_agent_leaves_no_core_and_opens_few_files(seen: Seen) -> None:
    assert seen.by_agent["bounds"] == ["0", "1024"]
