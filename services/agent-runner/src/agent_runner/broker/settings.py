"""Everything the environment decides for the launch broker, read once at start."""

import os
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode, SettingsConfigDict

from shared.settings import ProcessSettings

from .images import AllowedImages

__all__ = ["Settings"]


class Settings(ProcessSettings):
    """Settings of one broker, which serves one runner.

    *installation* and *runner* are the owner of all it makes, in Docker's labels.
    *socket* is where it listens, *docker_socket* where Docker does. Only processes of
    *peer_uid* are served. *images* are those that may be launched, separated by white
    space: `repository`, `repository:tag` or `repository@sha256:…`. *init_volume* is a
    Docker volume that holds agent_init.sh as `init`, for a broker whose own files the
    engine's host does not see. *container_runtime* names one that the engine offers,
    such as `runsc`; empty is the engine's default. *agent_port* is the runner's: if it
    is told, agents reach no other port of this host, for which it takes CAP_NET_ADMIN.
    """

    model_config = SettingsConfigDict(env_prefix="AG2TRUST_BROKER_")

    installation: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    runner: str = Field(default="runner-1", pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    socket: Path
    docker_socket: Path = Path("/var/run/docker.sock")
    peer_uid: int = Field(default_factory=os.geteuid, ge=0)
    images: Annotated[AllowedImages, NoDecode, BeforeValidator(AllowedImages.parse)]
    container_runtime: str = Field(default="", pattern=r"^[A-Za-z0-9._-]*$")
    init_volume: str = ""
    agent_port: int | None = Field(default=None, ge=1, le=65535)
    agent_networks: IPv4Network = IPv4Network("10.201.0.0/16")
