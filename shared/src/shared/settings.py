"""Everything the environment decides, read once at start and refused when wrong.

What the environment may not hold, because others can read it, stands in a file that
the variable `…_SETTINGS_FILE` names: a JSON object of the same settings.
"""

import json
import os
import re
import stat
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    PlainSerializer,
    SecretStr,
    ValidationError,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from pydantic_settings import SettingsError as UndecodableError

from .identity import PublicIdentity
from .logs import Level
from .web_addresses import web_address
from .wrong_values import what_is_wrong

__all__ = [
    "BaseUrlSetting",
    "DatabaseSettings",
    "ProcessSettings",
    "PublicIdentitySetting",
    "ServiceSettings",
    "SettingsError",
    "load",
]


class SettingsError(Exception):
    """The environment is wrong; each line of the message names one setting."""


class ProcessSettings(BaseSettings):
    """What every process of ours needs. Subclasses set `env_prefix`.

    A variable that is empty counts as not set. *settings_file* holds settings too.
    *alive_file* is touched every few seconds.
    """

    model_config = SettingsConfigDict(
        env_ignore_empty=True, frozen=True, hide_input_in_errors=True
    )

    log_level: Level = "info"
    settings_file: Path | None = None
    alive_file: Path | None = None


class ServiceSettings(ProcessSettings):
    """What every service needs: the bus, and who it is there.

    *nats_url* is one server's, or those of a cluster's with commas between.
    """

    nats_url: str = "nats://127.0.0.1:4222"
    identity_file: Path


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


def _base_url(url: str) -> str:
    if web_address(url).query is not None:
        raise ValueError("must have no query")
    return url


BaseUrlSetting = Annotated[str, AfterValidator(_base_url)]
"""Where another server is, or a part of it; read here so that no library has to."""

_NAMED_FIELD = re.compile(r'field "(\w+)"')

SettingsT = TypeVar("SettingsT", bound=BaseSettings)


def load(settings: type[SettingsT]) -> SettingsT:
    """Read *settings* from the environment; raise `SettingsError` in plain words.

    The words never hold a value: it may be a secret that was put in the wrong place.
    """
    prefix = settings.model_config.get("env_prefix", "").upper()
    fields = {f"{prefix}{name}".upper(): name for name in settings.model_fields}
    filed = _filed(settings, prefix)
    problems = _misnamed(_given(prefix), set(filed), known=set(fields))
    try:
        loaded = settings(
            **{fields[name]: filed[name] for name in fields.keys() & filed}
        )
    except ValidationError as error:
        problems += [
            _problem(prefix, each)
            for each in error.errors(include_input=False, include_url=False)
        ]
        raise SettingsError("\n".join(problems)) from None
    except UndecodableError as error:
        problems.append(_undecodable(prefix, error))
        raise SettingsError("\n".join(problems)) from None
    if problems:
        raise SettingsError("\n".join(problems))
    return loaded


def _problem(prefix: str, error: ErrorDetails) -> str:
    """Name the setting; what concerns several at once names them itself."""
    name = ".".join(map(str, error["loc"])) or "…"
    return f"{prefix}{name}".upper() + f": {what_is_wrong(error)}"


def _undecodable(prefix: str, error: UndecodableError) -> str:
    """Name the setting, which the error's words hold alone: `field "NAME"`."""
    named = _NAMED_FIELD.search(str(error))
    name = named[1] if named else "…"
    return f"{prefix}{name}".upper() + ': must be JSON, as ["one", "two"]'


def _given(prefix: str) -> set[str]:
    """Return the variables that are set, or nothing where any could be meant."""
    return {
        name.upper()
        for name, value in os.environ.items()
        if value and prefix and name.upper().startswith(prefix)
    }


def _misnamed(given: set[str], filed: set[str], *, known: set[str]) -> list[str]:
    return [
        *(f"{name} is not a setting" for name in sorted((given | filed) - known)),
        *(
            f"{name} is set in the environment and in the settings file"
            for name in sorted(given & filed)
        ),
    ]


def _filed(settings: type[BaseSettings], prefix: str) -> dict[str, Any]:
    """Return what the settings file says, by the names of the variables."""
    variable = f"{prefix}SETTINGS_FILE"
    path = os.environ.get(variable)
    if not path or "settings_file" not in settings.model_fields:
        return {}
    try:
        content = _private_object(Path(path))
    except OSError as error:
        raise SettingsError(f"{variable}: {path}: {error.strerror}") from None
    except (TypeError, ValueError) as error:
        raise SettingsError(f"{variable}: {path}: {error}") from None
    return {f"{prefix}{name}".upper(): value for name, value in content.items()}


def _private_object(path: Path) -> dict[str, Any]:
    """Read a JSON object that only its owner may read, without ever quoting it."""
    with path.open(encoding="utf-8") as file:
        if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
            raise ValueError("others may read it; make it mode 0600")
        content = json.load(file)
    if not isinstance(content, dict):
        raise TypeError("it holds no JSON object")
    return content
