"""A real Prometheus beside a stack, as `deploy/prometheus.yml` sets it up."""

import asyncio
import shutil
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from ag2trust.ports import free_port
from ag2trust.waiting import until

__all__ = ["Prometheus", "running_prometheus"]

_DEPLOYED = Path(__file__).parents[2] / "deploy/prometheus.yml"


class Prometheus:
    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def asked(self, query: str) -> list[tuple[dict[str, str], float]]:
        """Return what *query* gives now: labels and value of each series."""
        async with self._session.get(
            "/api/v1/query", params={"query": query}
        ) as answer:
            told = await answer.json()
        assert told["status"] == "success", f"{query}: {told}"
        return [
            (each["metric"], float(each["value"][1])) for each in told["data"]["result"]
        ]

    async def is_ready(self) -> bool:
        async with self._session.get("/-/ready") as answer:
            return answer.ok


@asynccontextmanager
async def running_prometheus(
    folder: Path, targets: Mapping[str, str]
) -> AsyncIterator[Prometheus]:
    """Run it below *folder*; *targets* are where its jobs find whom they ask."""
    address = f"127.0.0.1:{free_port()}"
    file = folder / "prometheus.yml"
    file.write_text(_configuration(targets))
    process = await asyncio.create_subprocess_exec(
        await _program(folder),
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'series'}",
        f"--web.listen-address={address}",
        stdout=DEVNULL,
        stderr=DEVNULL,
    )
    try:
        async with aiohttp.ClientSession(f"http://{address}") as session:
            prometheus = Prometheus(session)
            await until("Prometheus", prometheus.is_ready, not_yet=aiohttp.ClientError)
            yield prometheus
    finally:
        process.terminate()
        await process.wait()


def _configuration(targets: Mapping[str, str]) -> str:
    """Write the deployed configuration with other targets, and asking often."""
    configuration: dict[str, Any] = yaml.safe_load(_DEPLOYED.read_text())
    configuration["global"]["scrape_interval"] = "1s"
    for job in configuration["scrape_configs"]:
        job["static_configs"] = [{"targets": [targets[job["job_name"]]]}]
    return yaml.safe_dump(configuration)


async def _program(folder: Path) -> str:
    """Find Prometheus, or unpack it from Debian's package."""
    if installed := shutil.which("prometheus"):
        return installed
    for command in (
        ("apt-get", "download", "--quiet", "--quiet", "prometheus"),
        ("sh", "-c", "dpkg-deb --extract prometheus_*.deb ."),
    ):
        process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, stdout=DEVNULL, stderr=DEVNULL
        )
        assert await process.wait() == 0, command
    return str(folder / "usr/bin/prometheus")
