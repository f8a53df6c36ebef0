"""What each service of one installation is told, and nothing more."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from shared.contracts.base import Service
from shared.identity import PublicIdentity

from .provisioning import owner_role, service_role, sweep_role

__all__ = ["Installation", "RunnerRuntime", "prefix_of"]

RUNNER = "runner-1"
HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class RunnerRuntime:
    """How the runner runs agents: `docker` with an image, or `process`."""

    name: str = "process"
    agent_image: str = ""


@dataclass(frozen=True, slots=True)
class Installation:
    """One installation: where its parts are, and who they are.

    *name* is short and unique on the machine; Docker labels carry it.
    *broker_socket* is where the runner's launch broker listens, if there is one; it
    may close this host's ports to agents, and launch *agent_images* beside the default.
    *database_urls* holds one URL per role, *identity_files* an nkey seed per service.
    """

    name: str
    nats_url: str
    database_urls: Mapping[str, str]
    identity_files: Mapping[Service, Path]
    credentials_identity: PublicIdentity
    metrics_identity: PublicIdentity
    master_key_file: Path
    runners_file: Path
    audit_folder: Path
    runner_folder: Path
    broker_socket: Path
    gateway_port: int
    proxy_port: int
    retired_master_key_files: tuple[Path, ...] = ()
    external_port: int | None = None
    metrics_port: int | None = None
    bootstrap_key_hash: str | None = None
    first_login_hash: str | None = None
    dashboard_folder: Path | None = None
    allow_private_base_urls: bool = False
    allow_environment_delivery: bool = True
    allow_private_tool_hosts: bool = False
    private_webhook_hosts: frozenset[str] = frozenset()
    agent_images: str = ""
    closes_host_ports: bool = False
    runtime: RunnerRuntime = field(default_factory=RunnerRuntime)

    def settings_of(self, service: Service) -> dict[str, str]:
        """Return the fields of *service*'s settings class, as text."""
        match service:
            case Service.CREDENTIALS:
                own = self._credentials()
            case Service.GATEWAY:
                own = self._gateway()
            case Service.AGENT_RUNNER:
                own = self._agent_runner()
            case Service.METRICS:
                own = self._metrics()
        return self._common(service) | own

    def environment_of(self, service: Service) -> dict[str, str]:
        """Return the same as variables, `AG2TRUST_<SERVICE>_…`."""
        return {
            f"{prefix_of(service)}{name}".upper(): value
            for name, value in self.settings_of(service).items()
        }

    def environment_of_broker(self) -> dict[str, str]:
        """Return the variables of the runner's launch broker."""
        told = {
            "installation": self.name,
            "runner": RUNNER,
            "socket": str(self.broker_socket),
            "images": f"{self.runtime.agent_image} {self.agent_images}",
            "agent_port": str(self.proxy_port) if self.closes_host_ports else "",
        }
        return {f"AG2TRUST_BROKER_{name.upper()}": told[name] for name in told}

    def _common(self, service: Service) -> dict[str, str]:
        return {
            "nats_url": self.nats_url,
            "identity_file": str(self.identity_files[service]),
            "database_url": self.database_urls[service_role(service)],
            "sweep_database_url": self.database_urls[sweep_role(service)],
            "owner_database_url": self.database_urls[owner_role(service)],
        }

    def _credentials(self) -> dict[str, str]:
        retired = [str(file) for file in self.retired_master_key_files]
        return {
            "master_key_file": str(self.master_key_file),
            **({"retired_master_key_files": json.dumps(retired)} if retired else {}),
            "runners_file": str(self.runners_file),
            "metrics_identity": str(self.metrics_identity),
            "audit_folder": str(self.audit_folder),
            "allow_private_base_urls": str(self.allow_private_base_urls).lower(),
        }

    def _gateway(self) -> dict[str, str]:
        first = {
            "bootstrap_key_hash": self.bootstrap_key_hash,
            "first_login_hash": self.first_login_hash,
        }
        dashboard = self.dashboard_folder
        return {
            "host": HOST,
            "port": str(self.gateway_port),
            "credentials_identity": str(self.credentials_identity),
            **{name: sha256 for name, sha256 in first.items() if sha256},
            **({"dashboard_folder": str(dashboard)} if dashboard else {}),
        }

    def _metrics(self) -> dict[str, str]:
        port, hosts = self.metrics_port, sorted(self.private_webhook_hosts)
        return {
            "credentials_identity": str(self.credentials_identity),
            **({"prometheus_port": str(port)} if port else {}),
            **({"private_webhook_hosts": json.dumps(hosts)} if hosts else {}),
        }

    def _agent_runner(self) -> dict[str, str]:
        external = self.external_port
        return {
            "name": RUNNER,
            "credentials_identity": str(self.credentials_identity),
            "proxy_host": HOST,
            "proxy_port": str(self.proxy_port),
            "state_folder": str(self.runner_folder),
            "allow_private_base_urls": str(self.allow_private_base_urls).lower(),
            "allow_environment_delivery": str(self.allow_environment_delivery).lower(),
            "allow_private_tool_hosts": str(self.allow_private_tool_hosts).lower(),
            "runtime": self.runtime.name,
            "agent_image": self.runtime.agent_image,
            "broker": str(self.broker_socket),
            **({"external_port": str(external)} if external else {}),
        }


def prefix_of(service: Service) -> str:
    return f"AG2TRUST_{service.upper()}_"
