"""Two of every service as processes, told what an operator tells them."""

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ag2trust.child import Command
from ag2trust.installation import prefix_of
from ag2trust.ports import free_port
from ag2trust.private_files import write_private
from ag2trust.testing import Stack, identity_of
from shared.contracts.base import Service
from shared.identity import Identity

from ..mortal import Mortal  # noqa: TID252 - test folders are no packages
from .hosts import Host

__all__ = ["OWNER_KEY", "SERVICES", "Services", "logins", "services_on"]

OWNER_KEY = "cust_" + "a1B2" * 8

_NUMBERS = (1, 2)

SERVICES = {
    f"{service}-{number}": (service, number)
    for service in Service
    for number in _NUMBERS
}


@dataclass(frozen=True, slots=True)
class Services:
    """Processes by name, such as `gateway-1`, and where the gateways listen.

    *doors* are the URLs at which runners let in agents that run elsewhere, on loopback.
    *sources* has a `PYTHONPATH` for each that runs another version when it starts.
    """

    processes: Mapping[str, Mortal]
    gateways: list[tuple[str, int]]
    doors: list[str]
    sources: dict[str, str]


def logins() -> dict[str, Service]:
    """Return what NATS is told: each runner is somebody of its own."""
    return {
        _identity(service, number).public.nkey: service
        for service, number in SERVICES.values()
    }


def services_on(
    hosts: Mapping[str, Host], stack: Stack, *, event_replicas: int, sources: str | None
) -> Services:
    """Describe every process, on the one of *hosts* that has its name."""
    runners = json.dumps([*_enrolled()])
    write_private(stack.installation.runners_file, runners)
    ports = {number: free_port() for number in _NUMBERS}
    doors = {number: free_port() for number in _NUMBERS}
    processes = {}
    by_name = dict.fromkeys(SERVICES, sources) if sources else {}
    for name, (service, number) in SERVICES.items():
        folder = stack.folder / name
        folder.mkdir()
        own = _own(service, number, folder)
        if service is Service.METRICS:
            own |= {"event_replicas": str(event_replicas)}
        if service is Service.AGENT_RUNNER:
            own |= {"external_port": str(doors[number])}
        if service is Service.GATEWAY:
            own |= {"host": hosts[name].address, "port": str(ports[number])}
        processes[name] = _process(name, hosts[name], stack, own, by_name)
    return Services(
        processes,
        [(hosts[f"gateway-{number}"].address, port) for number, port in ports.items()],
        [f"http://127.0.0.1:{port}" for port in doors.values()],
        by_name,
    )


def _own(service: Service, number: int, folder: Path) -> dict[str, str]:
    """Say what one of two is told that the other is not."""
    match service:
        case Service.GATEWAY:
            first_key = hashlib.sha256(OWNER_KEY.encode()).hexdigest()
            return {"bootstrap_key_hash": first_key}
        case Service.AGENT_RUNNER:
            identity = folder / "identity.nkey"
            write_private(identity, _identity(service, number).nkey_seed)
            return {
                "name": f"runner-{number}",
                "identity_file": str(identity),
                "state_folder": str(folder / "state"),
                "proxy_port": str(free_port()),
                "allow_private_tool_hosts": "true",
            }
        case Service.METRICS:
            return {}
        case Service.CREDENTIALS:
            return {"audit_folder": str(folder / "audit")}


def _process(
    name: str,
    host: Host,
    stack: Stack,
    own: Mapping[str, str],
    sources: Mapping[str, str],
) -> Mortal:
    """Describe a process; it says that it is alive once it serves."""
    service, _ = SERVICES[name]
    alive = stack.folder / name / "alive"
    told = {**own, "alive_file": str(alive)}
    prefix = prefix_of(service)
    variables = {f"{prefix}{each}".upper(): value for each, value in told.items()}
    command = Command(
        name=name,
        arguments=(sys.executable, "-P", "-m", service),
        environment=stack.environment(service, **variables),
        log=stack.folder / name / "log",
    )

    def fresh() -> Command:
        alive.unlink(missing_ok=True)
        of_version = {"PYTHONPATH": sources[name]} if name in sources else {}
        environment = {**command.environment, **of_version}
        return host.moved(replace(command, environment=environment))

    return Mortal(fresh, lambda _: alive.exists())


def _enrolled() -> Iterator[dict[str, object]]:
    for number in _NUMBERS:
        identity = _identity(Service.AGENT_RUNNER, number).public
        yield {
            "runner": f"runner-{number}",
            "identity": str(identity),
            "organizations": ["*"],
        }


def _identity(service: Service, number: int) -> Identity:
    if service is not Service.AGENT_RUNNER:
        return identity_of(service)
    return Identity(hashlib.sha256(f"ag2trust test runner {number}".encode()).digest())
