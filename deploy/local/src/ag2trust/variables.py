"""The launcher's own variables, `AG2TRUST_…`, read once and refused when wrong."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.settings import SettingsError, load

from .errors import WrongVariableError

__all__ = ["RuntimeWish", "Variables", "read_variables"]

_KEY_PREFIX = "cust_"
_KEY_CHARACTERS = 32

_OF_COMMANDS = ("AG2TRUST_URL", "AG2TRUST_API_KEY", "AG2TRUST_API_KEY_FILE")

Port = Annotated[int, Field(ge=1, le=65535)]


def _is_key(key: SecretStr) -> SecretStr:
    prefix, _, random = key.get_secret_value().partition("_")
    fits = len(random) >= _KEY_CHARACTERS and random.isascii() and random.isalnum()
    if f"{prefix}_" != _KEY_PREFIX or not fits:
        raise ValueError(
            f"an API key is {_KEY_PREFIX} and then {_KEY_CHARACTERS} or more letters "
            "and digits"
        )
    return key


class RuntimeWish(StrEnum):
    """How agents shall run; `auto` is Docker where that works, else `process`."""

    AUTO = "auto"
    DOCKER = "docker"
    PROCESS = "process"


class Variables(BaseSettings):
    """A variable that is empty counts as not set."""

    model_config = SettingsConfigDict(
        env_prefix="AG2TRUST_",
        env_ignore_empty=True,
        frozen=True,
        hide_input_in_errors=True,
    )

    home: Path = Path(".ag2trust")
    gateway_port: Port = 8080
    proxy_port: Port = 8090
    external_port: Port = 8092
    metrics_port: Port | None = None
    bootstrap_api_key: Annotated[SecretStr, AfterValidator(_is_key)] | None = None
    runtime: RuntimeWish = RuntimeWish.AUTO
    allow_private_base_urls: bool = True
    allow_environment_delivery: bool = True
    allow_private_tool_hosts: bool = False
    private_webhook_hosts: frozenset[str] = frozenset()
    agent_images: str = ""

    @model_validator(mode="after")
    def _ports_differ(self) -> Self:
        ports = [self.gateway_port, self.proxy_port, self.external_port]
        if self.metrics_port:
            ports.append(self.metrics_port)
        if len(set(ports)) < len(ports):
            raise ValueError(
                "gateway, proxy, external agents and metrics need a port each"
            )
        return self


def read_variables() -> Variables:
    """Raise `WrongVariableError` with a line for each that cannot be used.

    Keys are taken out of the environment: no child shall inherit them.
    """
    for name in _OF_COMMANDS:
        os.environ.pop(name, None)
    try:
        variables = load(Variables)
    except SettingsError as error:
        raise WrongVariableError(str(error)) from None
    os.environ.pop("AG2TRUST_BOOTSTRAP_API_KEY", None)
    return variables
