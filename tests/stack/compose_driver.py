"""testcontainers' driver of Compose, where the command may be as old as 1.29."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from testcontainers.compose import (
    ComposeContainer,
    DockerCompose,
    PublishedPortModel,
)
from tests.compose_command import compose_command

__all__ = ["ComposeDriver"]


@dataclass
class ComposeDriver(DockerCompose):
    """Runs the command that answers, in an environment with *variables*.

    `wait` is none of ours: what has done its work and ended would count as failed.
    """

    wait: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def compose_command_property(self) -> list[str]:
        """Keep the options of `docker compose`, which the older command has, too."""
        _docker, _compose, *options = super().compose_command_property
        given = (f"{name}={value}" for name, value in self.variables.items())
        return ["env", *given, *compose_command(), *options]

    def get_containers(self, include_all: bool = False) -> list[ComposeContainer]:  # noqa: FBT001, FBT002 - testcontainers'
        """Ask the engine, for `ps --format json` came with the plugin."""
        ids = self.run("ps", "--quiet", *(["--all"] if include_all else [])).split()
        if not ids:
            return []
        shown = json.loads(self._run_command(["docker", "inspect", *ids]).stdout)
        return [
            _container(each)
            for each in shown
            if include_all or each["State"]["Running"]
        ]

    def run(self, *arguments: str) -> str:
        """Run what testcontainers has no word for; return the standard output."""
        done = self._run_command([*self.compose_command_property, *arguments])
        return done.stdout.decode()


def _container(shown: dict[str, Any]) -> ComposeContainer:
    labels = shown["Config"]["Labels"]
    return ComposeContainer(
        ID=shown["Id"],
        Name=shown["Name"],
        Project=labels["com.docker.compose.project"],
        Service=labels["com.docker.compose.service"],
        State=shown["State"]["Status"],
        ExitCode=shown["State"]["ExitCode"],
        Publishers=[
            PublishedPortModel(
                URL=bound["HostIp"],
                TargetPort=int(target.partition("/")[0]),
                PublishedPort=int(bound["HostPort"]),
                Protocol=target.partition("/")[2],
            )
            for target, bindings in shown["NetworkSettings"]["Ports"].items()
            for bound in bindings or ()
        ],
    )
