"""What the services make of the variables and files that a deployment gives them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import agent_runner.broker.settings
import agent_runner.settings
import credentials.settings
import gateway.settings
import metrics.settings
from shared.contracts.base import Service
from shared.settings import load

__all__ = ["OWNERS", "Deployed"]

OWNERS = dict.fromkeys(
    (
        *Service,
        "agent-runner-state",
        "audit",
        "database",
        "nats",
        "nats-data",
        "postgres",
    ),
    os.getuid(),
)
"""To whom `make_keys` gives what, where nobody may give anything to others."""

_SETTINGS: Mapping[str, type[Any]] = {
    "broker": agent_runner.broker.settings.Settings,
    "agent-runner": agent_runner.settings.Settings,
    "credentials": credentials.settings.Settings,
    "gateway": gateway.settings.Settings,
    "metrics": metrics.settings.Settings,
}


@dataclass(frozen=True)
class Deployed:
    """*made* is where `ag2trust.provision` has made what containers find mounted."""

    made: Path
    monkeypatch: pytest.MonkeyPatch

    def settings(self, service: str, variables: Mapping[str, str | None]) -> Any:
        """Read *variables* as *service* would; raise `SettingsError`.

        It names what is no setting of its, and what it lacks.
        """
        kind = _SETTINGS[service]
        prefix = kind.model_config["env_prefix"]
        folder = self.made / service.replace("-", "_")
        here = {f"{prefix}SETTINGS_FILE": str(folder / "settings.json")}
        given = {
            name: here.get(name, value)
            for name, value in variables.items()
            if value is not None  # not there, unless compose was given it
        }
        with self.monkeypatch.context() as environment:
            for name, value in given.items():
                environment.setenv(name, value)
            return load(kind)
