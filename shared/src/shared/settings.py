"""Everything the environment decides, read once at start and refused when wrong."""

import os
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BeforeValidator, PlainSerializer, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from .identity import PublicIdentity
from .logs import Level

__all__ = [
    "DatabaseSettings",
    "PublicIdentitySetting",
    "ServiceSettings",
    "SettingsError",
    "load",
]


class SettingsError(Exception):
    """The environment is wrong; each line of the message names one setting."""


class ServiceSettings(BaseSettings):
    """What every service needs. Subclasses set `env_prefix`."""

    model_config = SettingsConfigDict(frozen=True, hide_input_in_errors=True)

    nats_url: str = "nats://127.0.0.1:4222"
    identity_file: Path
    log_level: Level = "info"


class DatabaseSettings(ServiceSettings):
    """Three roles of one schema: the service, its sweeps, and its migrations.

    *database_url* sees one organization at a time, *sweep_database_url* all of them,
    *owner_database_url* is used for migrations alone.
    """

    database_url: SecretStr
    sweep_database_url: SecretStr
    owner_database_url: SecretStr


PublicIdentitySetting = Annotated[
    PublicIdentity,
    NoDecode,  # a dataclass would be read as JSON
    BeforeValidator(
        lambda value: PublicIdentity.parse(value) if isinstance(value, str) else value
    ),
    PlainSerializer(str),
]

SettingsT = TypeVar("SettingsT", bound=BaseSettings)


def load(settings: type[SettingsT]) -> SettingsT:
    """Read *settings* from the environment; raise `SettingsError` in plain words."""
    prefix = settings.model_config.get("env_prefix", "")
    known = {f"{prefix}{name}".upper() for name in settings.model_fields}
    problems = [
        f"{name} is not a setting"
        for name in sorted(os.environ)
        if prefix
        and name.upper().startswith(prefix.upper())
        and name.upper() not in known
    ]
    try:
        loaded = settings()
    except ValidationError as error:
        problems += [
            f"{prefix}{'.'.join(map(str, each['loc']))}".upper() + f": {each['msg']}"
            for each in error.errors(include_input=False, include_url=False)
        ]
        raise SettingsError("\n".join(problems)) from None
    if problems:
        raise SettingsError("\n".join(problems))
    return loaded
