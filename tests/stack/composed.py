"""The whole product as containers: what `docker-compose` does in a clone, in words."""

import asyncio
import json
import os
import secrets
import shutil
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import aiohttp

from ag2trust.errors import ServerFailedError
from ag2trust.operator import Operator
from ag2trust.ports import free_port
from ag2trust.readiness import until_ready

__all__ = ["Composed", "composed"]

_REPOSITORY = Path(__file__).resolve().parents[2]
_COMPOSE = (
    ("docker-compose",) if shutil.which("docker-compose") else ("docker", "compose")
)
_READY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Composed:
    """An installation of its own: another project, other ports, other volumes."""

    name: str = field(default_factory=lambda: f"ag2trust-test-{secrets.token_hex(4)}")
    gateway_port: int = field(default_factory=free_port)
    proxy_port: int = field(default_factory=free_port)
    external_port: int = field(default_factory=free_port)
    nats_port: int = field(default_factory=free_port)
    prometheus_port: int = field(default_factory=free_port)
    https_port: int = field(default_factory=free_port)
    overlaid: Mapping[str, str] = field(default_factory=dict)

    def under(self, overlay: str, **variables: str) -> Self:
        """Return this installation with a file of `deploy/compose` on top of it."""
        files = f"docker-compose.yml:deploy/compose/{overlay}"
        return replace(self, overlaid={"COMPOSE_FILE": files, **variables})

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self.gateway_port}"

    async def compose(self, *arguments: str) -> str:
        """Run a command on this installation; return its standard output."""
        return await _run(
            *_COMPOSE, "--project-name", self.name, *arguments, **self._variables()
        )

    async def up(self) -> None:
        await self.compose("up", "--detach")
        await self._until_ready()

    async def up_with_tls(self, folder: Path) -> None:
        """Start it with the overlay for TLS and the certificate in *folder*."""
        await self.under(
            "tls.yml",
            AG2TRUST_TLS_FOLDER=str(folder),
            AG2TRUST_TLS_ADDRESS="127.0.0.1",
            AG2TRUST_HTTPS_PORT=str(self.https_port),
            AG2TRUST_PUBLIC_URL=f"https://127.0.0.1:{self.https_port}",
            AG2TRUST_EXTERNAL_URL=f"https://127.0.0.1:{self.external_port}",
        ).up()

    async def _until_ready(self) -> None:
        try:
            await until_ready(self.gateway_url, seconds=_READY_SECONDS)
        except ServerFailedError as error:
            raise AssertionError(
                f"{error}\n{await self.compose('logs', '--no-color', '--tail', '5')}"
            ) from error

    async def script(self, name: str, *arguments: str) -> str:
        """Run a script of `deploy/compose` on this installation."""
        script = str(_REPOSITORY / "deploy" / "compose" / name)
        project = {"COMPOSE_PROJECT_NAME": self.name}
        return await _run(script, *arguments, **project, **self._variables())

    async def typed(self, lines: str) -> str:
        """Run shell lines of a document on this installation."""
        compose = f'docker-compose() {{ {" ".join(("command", *_COMPOSE))} "$@"; }}'
        project = {"COMPOSE_PROJECT_NAME": self.name}
        return await _run(
            "bash", "-ec", f"{compose}\n{lines}", **project, **self._variables()
        )

    async def vault(self, command: str) -> str:
        """Run a shell command where the volumes with what was made are."""
        return await self.compose(
            *("run", "--rm", "-T", "keys", "sh", "-c", f"cd /ag2trust; {command}")
        )

    async def containers(self) -> list[dict[str, Any]]:
        """Return what `docker inspect` says of each: agents' and ended ones too."""
        labels = (
            f"com.docker.compose.project={self.name}",
            f"ag2trust.installation={self.name}",
        )
        ids = [
            each
            for label in labels
            for each in (
                await _run(
                    "docker", "ps", "--all", "--quiet", "--filter", f"label={label}"
                )
            ).split()
        ]
        shown: list[dict[str, Any]] = []
        if ids:
            shown = json.loads(await _run("docker", "inspect", *ids))
        return shown

    def _variables(self) -> Mapping[str, str]:
        return {
            "AG2TRUST_INSTALLATION": self.name,
            "AG2TRUST_GATEWAY_PORT": str(self.gateway_port),
            "AG2TRUST_PROXY_PORT": str(self.proxy_port),
            "AG2TRUST_EXTERNAL_PORT": str(self.external_port),
            "AG2TRUST_NATS_PORT": str(self.nats_port),
            "AG2TRUST_PROMETHEUS_PORT": str(self.prometheus_port),
            "AG2TRUST_PUBLIC_URL": self.gateway_url,
            "AG2TRUST_ALLOW_PRIVATE_BASE_URLS": "true",
            **self.overlaid,
        }


@asynccontextmanager
async def composed() -> AsyncIterator[tuple[Composed, Operator]]:
    """Build the images, bring an installation up, and remove all of it at the end."""
    installation = Composed()
    await _run(str(_REPOSITORY / "deploy" / "images" / "offline.sh"))
    try:
        await installation.up()
        key = (await installation.vault("cat vault/api-key")).strip()
        async with aiohttp.ClientSession(
            base_url=installation.gateway_url, headers={"X-API-Key": key}
        ) as session:
            yield installation, Operator(session)
    finally:
        await installation.compose("down", "--volumes")


async def _run(*command: str, **variables: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=_REPOSITORY,
        env={**os.environ, **variables},
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
    )
    output, errors = await process.communicate()
    if process.returncode:
        raise AssertionError(f"{command}: {(output + errors).decode()[-4000:]}")
    return output.decode()
