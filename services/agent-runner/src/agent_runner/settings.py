"""Everything the environment decides, read once at start."""

import os
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from shared.contracts.base import Labels
from shared.settings import (
    BaseUrlSetting,
    DatabaseSettings,
    PublicIdentitySetting,
)

__all__ = ["RuntimeName", "Settings"]


class RuntimeName(StrEnum):
    DOCKER = "docker"
    PROCESS = "process"


class Settings(DatabaseSettings):
    """Settings of one runner; *name* is its row, kept through restarts.

    *state_folder* holds the spool, and the process runtime's ledger. *broker* is the
    socket of its launch broker, without which there are no containers.
    *capacity* is how many agents it is meant for, in proportion to other runners; an
    agent type may ask for *labels*. *most_launches* are under way at once, by default
    two for each core. Without *allow_environment_delivery* no process is
    given a provider's key: agent types must be sealed. With *allow_private_tool_hosts*
    tools reach private networks, at hosts that agent types name.
    *message_deliveries* is how often a message may be lost with its agent until it is
    a dead letter; *messages_kept_days* is how long one is kept after its end.
    *most_connections* of agents, *most_calls* in hand and *buffered_megabytes* of
    bodies are taken at once; what comes beyond is refused with 503.
    External agents are listened for at *external_host* and *external_port*, if that is
    set, and told *external_url*. Beyond loopback that takes a certificate, or the word
    that something in front ends TLS: their tokens travel there.
    """

    model_config = SettingsConfigDict(env_prefix="AG2TRUST_AGENT_RUNNER_")

    name: str = Field(default="runner-1", pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    credentials_identity: PublicIdentitySetting
    state_folder: Path
    capacity: int = Field(default=50, ge=1, le=10_000)
    most_launches: int = Field(
        default_factory=lambda: 2 * (os.cpu_count() or 1), ge=1, le=10_000
    )
    labels: Labels = Field(default_factory=dict)
    proxy_host: str = "127.0.0.1"
    proxy_port: int = Field(default=8090, ge=0, le=65535)
    runtime: RuntimeName
    broker: Path | None = None
    agent_image: str = ""
    allow_private_base_urls: bool = False
    allow_environment_delivery: bool = True
    allow_private_tool_hosts: bool = False
    most_connections: int = Field(default=4096, ge=1, le=60_000)
    most_calls: int = Field(default=2048, ge=1, le=60_000)
    buffered_megabytes: int = Field(default=512, ge=32, le=65_536)
    message_deliveries: int = Field(default=3, ge=1, le=100)
    messages_kept_days: int = Field(default=90, ge=1, le=3650)
    external_host: IPv4Address | IPv6Address = IPv4Address("127.0.0.1")
    external_port: int | None = Field(default=None, ge=1, le=65535)
    external_url: BaseUrlSetting | None = None
    external_tls_certificate: Path | None = None
    external_tls_key: Path | None = None
    external_tls_is_terminated: bool = False

    @model_validator(mode="after")
    def _what_docker_needs(self) -> Self:
        if self.runtime is RuntimeName.DOCKER and not (
            self.agent_image and self.broker
        ):
            raise ValueError("the docker runtime needs agent_image and broker")
        return self

    @model_validator(mode="after")
    def _tokens_travel_encrypted(self) -> Self:
        if (self.external_tls_certificate is None) != (self.external_tls_key is None):
            raise ValueError(
                "external_tls_certificate and external_tls_key belong together"
            )
        if self.external_port is None or self.external_host.is_loopback:
            return self
        if (
            self.external_tls_certificate is None
            and not self.external_tls_is_terminated
        ):
            raise ValueError(
                "external_host beyond loopback needs external_tls_certificate, or"
                " external_tls_is_terminated if something in front ends TLS"
            )
        if not (self.external_url or "").startswith("https://"):
            raise ValueError(
                "external_host beyond loopback needs an external_url with https"
            )
        return self

    @property
    def external_address(self) -> str | None:
        """Where external agents are told to reach us; None if nobody listens."""
        if self.external_port is None:
            return None
        if self.external_url is not None:
            return self.external_url
        scheme = "https" if self.external_tls_certificate else "http"
        is_v6 = isinstance(self.external_host, IPv6Address)
        host = f"[{self.external_host}]" if is_v6 else str(self.external_host)
        return f"{scheme}://{host}:{self.external_port}"
