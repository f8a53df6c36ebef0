"""What the stack of one home is made of: its servers, its keys, its addresses."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from agent_runner.broker.host_ports import may_close_ports

from .accounts import unprivileged_account
from .dashboard import built_dashboard
from .first_login import FirstLogin
from .home import Home
from .installation import HOST, Installation, RunnerRuntime
from .keys import FirstKey, Keys, first_key, keys_of
from .nats_server import NatsServer
from .ports import remembered_port
from .postgres import Postgres
from .private_files import write_private
from .provisioning import DATABASE, ROLES
from .sockets import socket_folder
from .variables import Variables

__all__ = ["Plan", "plan_of"]

_BROKER_SOCKET = "broker.sock"


@dataclass(frozen=True, slots=True)
class Plan:
    home: Home
    installation_name: str
    variables: Variables
    keys: Keys
    first_key: FirstKey
    first_login: FirstLogin
    postgres: Postgres
    nats: NatsServer

    @property
    def gateway_url(self) -> str:
        return f"http://{HOST}:{self.variables.gateway_port}"

    @property
    def proxy_url(self) -> str:
        return f"http://{HOST}:{self.variables.proxy_port}"

    @property
    def broker_folder(self) -> Path:
        return socket_folder(self.home.folder / "broker", _BROKER_SOCKET)

    def database_url(self, role: str, database: str = DATABASE) -> str:
        return self.postgres.url(role, self.keys.passwords[role], database)

    def installation(self, runtime: RunnerRuntime) -> Installation:
        return Installation(
            name=self.installation_name,
            nats_url=self.nats.url,
            database_urls={role: self.database_url(role) for role in ROLES},
            identity_files=self.keys.identity_files,
            credentials_identity=self.keys.credentials_identity,
            metrics_identity=self.keys.metrics_identity,
            master_key_file=self.keys.master_key_file,
            retired_master_key_files=self.home.retired_master_keys,
            runners_file=self.keys.runners_file,
            audit_folder=self.home.audit,
            runner_folder=self.home.data / "agent-runner",
            broker_socket=self.broker_folder / _BROKER_SOCKET,
            gateway_port=self.variables.gateway_port,
            proxy_port=self.variables.proxy_port,
            external_port=self.variables.external_port,
            metrics_port=self.variables.metrics_port,
            bootstrap_key_hash=self.first_key.sha256,
            first_login_hash=self.first_login.sha256,
            dashboard_folder=built_dashboard(),
            allow_private_base_urls=self.variables.allow_private_base_urls,
            allow_environment_delivery=self.variables.allow_environment_delivery,
            allow_private_tool_hosts=self.variables.allow_private_tool_hosts,
            private_webhook_hosts=self.variables.private_webhook_hosts,
            agent_images=self.variables.agent_images,
            closes_host_ports=may_close_ports(),
            runtime=runtime,
        )


def plan_of(home: Home, variables: Variables) -> Plan:
    """Plan the stack of *home*; what a new home lacks is made.

    Raises `HomeUnusableError`, or `LaunchError` if PostgreSQL could run as nobody.
    """
    postgres = Postgres(
        home.data / "postgres", log=home.log("postgres"), account=unprivileged_account()
    )
    keys = keys_of(home, is_new=not postgres.is_created)
    nats = NatsServer(
        home.data / "nats",
        log=home.log("nats"),
        port=remembered_port(home.nats_port),
        logins=keys.logins,
    )
    first = first_key(home, variables.bootstrap_api_key)
    return Plan(
        home=home,
        installation_name=_installation_name(home),
        variables=variables,
        keys=keys,
        first_key=first,
        first_login=FirstLogin(),
        postgres=postgres,
        nats=nats,
    )


def _installation_name(home: Home) -> str:
    if not home.installation.exists():
        write_private(home.installation, f"local-{secrets.token_hex(4)}\n")
    return home.installation.read_text().strip()
