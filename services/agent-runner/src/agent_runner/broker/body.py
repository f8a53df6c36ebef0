"""The whole of what Docker is asked to create for an agent; nothing secret in it.

What a runner decides is in `LaunchAgent`; every other word is chosen here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any
from uuid import UUID

from agent_runner.runtimes.placed import Placed

from .images import AgentImage
from .networks import runner_address, silent_address
from .wire import LaunchAgent, Limits

__all__ = ["Owner", "Volume", "container_body", "network_body", "placed_from"]

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
# Docker mounts every tmpfs noexec, nosuid and nodev (moby, oci_linux.go).
_SCRATCH = {
    "Type": "tmpfs",
    "Target": "/tmp",  # noqa: S108 - a mount
    "TmpfsOptions": {"SizeBytes": _SCRATCH_BYTES, "Mode": 0o1777},
}


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
        return _filters(labels)

    def filters_of_anyone(self, agent_id: UUID) -> dict[str, list[str]]:
        """Return Docker's filter for *agent_id*'s things, of whichever runner."""
        return _filters({_INSTALLATION: self.installation, _AGENT: str(agent_id)})

    def name(self, agent_id: UUID, epoch: int) -> str:
        """Name what is made for an agent; no other runner of the engine names it so."""
        return f"ag2trust-{self.runner}-{agent_id}-{epoch}"

    def owns(self, labels: Mapping[str, str]) -> bool:
        ours = {_INSTALLATION: self.installation, _RUNNER: self.runner}
        return ours.items() <= labels.items()

    def labels(self, agent_id: UUID, org_id: UUID, epoch: int) -> dict[str, str]:
        return {
            _INSTALLATION: self.installation,
            _RUNNER: self.runner,
            _AGENT: str(agent_id),
            _ORGANIZATION: str(org_id),
            _EPOCH: str(epoch),
        }


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume of the engine, which needs no path that its host can see."""

    name: str


def _filters(labels: Mapping[str, str]) -> dict[str, list[str]]:
    return {"label": [f"{name}={value}" for name, value in labels.items()]}


def placed_from(labels: Mapping[str, str], *, is_running: bool) -> Placed:
    return Placed(
        agent_id=UUID(labels[_AGENT]),
        org_id=UUID(labels[_ORGANIZATION]),
        epoch=int(labels[_EPOCH]),
        is_running=is_running,
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
    launch: LaunchAgent,
    image: AgentImage,
    *,
    network_id: str,
    labels: dict[str, str],
    init: Path | Volume,
    container_runtime: str = "",
) -> Any:
    """Return the body of `POST /containers/create`.

    *init* is agent_init.sh, or a volume that holds it as `init` and nothing else.
    The image is named by its id, so that it is the one that was looked at. `Env` stays
    empty: Docker adds the image's own, and writes all of it to disk. A health check
    would run beside the agent and keep what it prints in `inspect`.
    """
    return {
        "Image": image.id,
        "Entrypoint": ["/bin/sh", _INIT, *image.command],
        "Cmd": [],
        "Env": [],
        "User": image.runs_as or _NOBODY,
        "Labels": labels,
        "StopSignal": "SIGTERM",
        "Healthcheck": {"Test": ["NONE"]},
        "Tty": False,
        "OpenStdin": True,
        "StdinOnce": True,
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "HostConfig": {
            **_confinement(launch.limits),
            **_connection(network_id),
            **({"Runtime": container_runtime} if container_runtime else {}),
            "Mounts": [_init_mount(init), _SCRATCH],
        },
    }


def _confinement(limits: Limits) -> dict[str, Any]:
    memory = limits.memory_mb * _MEBIBYTE
    return {
        "Init": False,
        "Privileged": False,
        "ReadonlyRootfs": True,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges:true"],
        "IpcMode": "private",
        "Memory": memory,
        "MemorySwap": memory,
        "NanoCpus": round(limits.cpus * 1_000_000_000),
        "PidsLimit": limits.pids,
        "ShmSize": _SCRATCH_BYTES,
        "Ulimits": [
            {"Name": "core", "Soft": 0, "Hard": 0},
            {"Name": "nofile", "Soft": _OPEN_FILES, "Hard": _OPEN_FILES},
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
