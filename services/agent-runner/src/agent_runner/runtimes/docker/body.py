"""The whole of what Docker is asked to create for an agent; nothing secret in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any
from uuid import UUID

from agent_runner.runtimes.runtime import Launch, Placed

from .networks import runner_address, silent_address

__all__ = [
    "AgentImage",
    "Owner",
    "Volume",
    "container_body",
    "image_from",
    "network_body",
    "placed_from",
]

_INSTALLATION = "ag2trust.installation"
_RUNNER = "ag2trust.runner"
_AGENT = "ag2trust.agent"
_ORGANIZATION = "ag2trust.organization"
_EPOCH = "ag2trust.epoch"

_OURS = "/ag2trust"
_INIT = f"{_OURS}/init"
_NOBODY = "65534:65534"
_MEBIBYTE = 1024 * 1024
_SCRATCH_BYTES = 16 * _MEBIBYTE
_OPEN_FILES = 1024


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose containers and networks these are: one runner of one installation."""

    installation: str
    runner: str

    def filters(self, agent_id: UUID | None = None) -> dict[str, list[str]]:
        """Return Docker's filter for all that is ours, or ours and *agent_id*'s."""
        labels = {_INSTALLATION: self.installation, _RUNNER: self.runner}
        if agent_id:
            labels[_AGENT] = str(agent_id)
        return {"label": [f"{name}={value}" for name, value in labels.items()]}

    def labels(self, agent_id: UUID, org_id: UUID, epoch: int) -> dict[str, str]:
        return {
            _INSTALLATION: self.installation,
            _RUNNER: self.runner,
            _AGENT: str(agent_id),
            _ORGANIZATION: str(org_id),
            _EPOCH: str(epoch),
        }


@dataclass(frozen=True, slots=True)
class AgentImage:
    """What an image says about itself, as far as it concerns us."""

    command: tuple[str, ...]
    user: str
    volumes: frozenset[str]

    @property
    def runs_as_root(self) -> bool:
        name = self.user.partition(":")[0]
        return name in ("", "root") or (name.isdecimal() and int(name) == 0)


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume of the engine, which needs no path that its host can see."""

    name: str


def placed_from(labels: Mapping[str, str], *, is_running: bool) -> Placed:
    return Placed(
        agent_id=UUID(labels[_AGENT]),
        org_id=UUID(labels[_ORGANIZATION]),
        epoch=int(labels[_EPOCH]),
        is_running=is_running,
    )


def image_from(inspected: Mapping[str, Any]) -> AgentImage:
    """Read the answer of `GET /images/{name}/json`."""
    config = inspected["Config"]
    return AgentImage(
        command=(*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())),
        user=config.get("User") or "",
        volumes=frozenset(config.get("Volumes") or ()),
    )


def network_body(name: str, subnet: IPv4Network, labels: dict[str, str]) -> Any:
    """Return the body of `POST /networks/create`: the runner is the only peer."""
    addresses = {
        "Subnet": str(subnet),
        "Gateway": str(runner_address(subnet)),
        # The bridge driver's name for the default route that containers get.
        "AuxiliaryAddresses": {"DefaultGatewayIPv4": str(silent_address(subnet))},
    }
    return {
        "Name": name,
        "Driver": "bridge",
        "Internal": True,
        "EnableIPv6": False,
        "CheckDuplicate": True,
        "IPAM": {"Driver": "default", "Config": [addresses]},
        "Options": {"com.docker.network.bridge.enable_icc": "false"},
        "Labels": labels,
    }


def container_body(
    launch: Launch,
    image: AgentImage,
    *,
    network_id: str,
    labels: dict[str, str],
    init: Path | Volume,
) -> Any:
    """Return the body of `POST /containers/create`.

    *init* is agent_init.sh, or a volume that holds it as `init` and nothing else.
    `Env` stays empty: Docker adds the image's own, and writes all of it to disk. A
    health check would run beside the agent and keep what it prints in `inspect`.
    """
    return {
        "Image": launch.image,
        "Entrypoint": ["/bin/sh", _INIT, *image.command],
        "Cmd": [],
        "Env": [],
        "User": _NOBODY if image.runs_as_root else image.user,
        "Labels": labels,
        "StopSignal": "SIGTERM",
        "Healthcheck": {"Test": ["NONE"]},
        "Tty": False,
        "OpenStdin": True,
        "StdinOnce": True,
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "HostConfig": _confinement(launch, image, init) | _connection(network_id),
    }


def _confinement(
    launch: Launch, image: AgentImage, init: Path | Volume
) -> dict[str, Any]:
    memory = launch.resources.memory_mb * _MEBIBYTE
    return {
        "Init": False,
        "Privileged": False,
        "ReadonlyRootfs": True,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges:true"],
        "IpcMode": "private",
        "Memory": memory,
        "MemorySwap": memory,
        "NanoCpus": round(launch.resources.cpus * 1_000_000_000),
        "PidsLimit": launch.resources.pids,
        "Ulimits": [
            {"Name": "core", "Soft": 0, "Hard": 0},
            {"Name": "nofile", "Soft": _OPEN_FILES, "Hard": _OPEN_FILES},
        ],
        "Mounts": [
            _init_mount(init),
            # An image's volume would be a folder of the host, writable and lasting.
            *map(_scratch, sorted(image.volumes | {"/tmp"})),  # noqa: S108 - a mount
        ],
        "RestartPolicy": {"Name": "no"},
        "LogConfig": {"Type": "none"},
    }


def _connection(network_id: str) -> dict[str, Any]:
    """Docker's resolver would ask the host's name servers on the agent's behalf."""
    return {
        "NetworkMode": network_id,
        "Dns": ["127.0.0.1"],
        "DnsSearch": ["."],
        "DnsOptions": ["timeout:1", "attempts:1"],
    }


def _init_mount(init: Path | Volume) -> dict[str, Any]:
    if isinstance(init, Path):
        return {
            "Type": "bind",
            "Source": str(init),
            "Target": _INIT,
            "ReadOnly": True,
        }
    return {
        "Type": "volume",
        "Source": init.name,
        "Target": _OURS,
        "ReadOnly": True,
        "VolumeOptions": {"NoCopy": True},
    }


def _scratch(target: str) -> dict[str, Any]:
    """Docker mounts every tmpfs noexec, nosuid and nodev (moby, oci_linux.go)."""
    return {
        "Type": "tmpfs",
        "Target": target,
        "TmpfsOptions": {"SizeBytes": _SCRATCH_BYTES, "Mode": 0o1777},
    }
