"""The whole product as containers, as an operator has it in a clone."""

import asyncio
import os
import secrets
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import aiohttp
from tests.compose_command import compose_command

from ag2trust.errors import ServerFailedError
from ag2trust.operator import Operator
from ag2trust.ports import free_port
from ag2trust.readiness import until_ready

from .compose_driver import ComposeDriver
from .containers import inspected

__all__ = ["Composed", "composed"]

_REPOSITORY = Path(__file__).resolve().parents[2]
_READY_SECONDS = 60.0
_LOGGED_CHARACTERS = 10_000


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

    async def up(self) -> None:
        await asyncio.to_thread(self._driver.start)
        try:
            await until_ready(self.gateway_url, seconds=_READY_SECONDS)
        except ServerFailedError as error:
            logged, _ = await asyncio.to_thread(self._driver.get_logs)
            raise AssertionError(f"{error}\n{logged[-_LOGGED_CHARACTERS:]}") from error

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

    async def stop(self) -> None:
        await asyncio.to_thread(self._driver.stop, down=False)

    async def down(self) -> None:
        """Take the containers away, and leave the volumes."""
        await asyncio.to_thread(self._driver.run, "down")

    async def down_with_volumes(self) -> None:
        await asyncio.to_thread(self._driver.stop)

    async def run(self, service: str, *command: str) -> str:
        """Run a command in the container of *service*; return its standard output."""
        output, _, _ = await asyncio.to_thread(
            self._driver.exec_in_container, [*command], service
        )
        return output

    async def vault(self, command: str) -> str:
        """Run a shell command where the volumes with what was made are."""
        made_for_it = ("run", "--rm", "-T", "keys")
        shell = ("sh", "-c", f"cd /ag2trust; {command}")
        return await asyncio.to_thread(self._driver.run, *made_for_it, *shell)

    async def url_on_host(self, service: str, port: int) -> str:
        """Return where *service*'s port is published."""
        host, published = await asyncio.to_thread(
            self._driver.get_service_host_and_port, service, port
        )
        return f"http://{host}:{published}"

    async def script(self, name: str, *arguments: str) -> str:
        """Run a script of `deploy/compose` on this installation."""
        script = str(_REPOSITORY / "deploy" / "compose" / name)
        return await _run(script, *arguments, **self._variables)

    async def typed(self, lines: str) -> str:
        """Run shell lines of a document on this installation."""
        words = " ".join(("command", *compose_command()))
        compose = f'docker-compose() {{ {words} "$@"; }}'
        return await _run("bash", "-ec", f"{compose}\n{lines}", **self._variables)

    async def containers(self) -> list[dict[str, Any]]:
        """Return what `docker inspect` says of each: agents' and ended ones too."""
        return await inspected(
            f"com.docker.compose.project={self.name}",
            f"ag2trust.installation={self.name}",
        )

    @property
    def _driver(self) -> ComposeDriver:
        return ComposeDriver(_REPOSITORY, variables=self._variables)

    @property
    def _variables(self) -> Mapping[str, str]:
        return {
            "COMPOSE_PROJECT_NAME": self.name,
            "AG2TRUST_INSTALLATION": self.name,
            "AG2TRUST_GATEWAY_PORT": str(self.gateway_port),
            "AG2TRUST_PROXY_PORT": str(self.proxy_port),
            "AG2TRUST_EXTERNAL_PORT": str(self.external_port),
            "AG2TRUST_NATS_PORT": str(self.nats_port),
            "AG2TRUST_PROMETHEUS_PORT": str(self.prometheus_port),
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
        await installation.down_with_volumes()


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
