"""Where a process of the cluster runs: an address, and how one gets there."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ag2trust.child import Command

__all__ = ["LOOPBACK", "Host"]


@dataclass(frozen=True, slots=True)
class Host:
    """*enter* comes before every program that is run there."""

    address: str
    enter: tuple[str, ...] = ()

    def command(
        self,
        name: str,
        arguments: tuple[str, ...],
        environment: Mapping[str, str],
        log: Path,
    ) -> Command:
        return Command(
            name=name,
            arguments=(*self.enter, *arguments),
            environment=environment,
            log=log,
        )


LOOPBACK = Host("127.0.0.1")
