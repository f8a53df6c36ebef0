"""The proxies that are measured, how each is started and how each is asked.

Peers are installed in pinned versions into a folder of this benchmark's own, and
started as their authors recommend for speed: one worker, quiet, without a database.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

from benchmarks.interpreters import HERE, IMAGES, import_path

from .asking import KEY, MODEL, PLACES, PROXY_PORT, UPSTREAM_PORT, token_of
from .debian import Tools
from .upstream import proxy_conf

__all__ = ["DIRECT", "NGINX", "OURS", "PEERS", "Peer", "Target"]

_LITELLM = "litellm[proxy]==1.106.12"
_TENSORZERO = "tensorzero==2026.6.0"
_PORTKEY = "@portkey-ai/gateway@1.15.2"
_INSTALL_SECONDS = 1200


@dataclass(frozen=True)
class Target:
    """How a proxy is asked for a place of the upstream."""

    path: Callable[[str], str]
    model: Callable[[str], str] = lambda _: MODEL
    headers: Callable[[str], Mapping[str, str]] = lambda _: {}


Command = Callable[[Path, Tools], Sequence[str]]
"""Says how a proxy is started whose files are in a folder of its own."""


@dataclass(frozen=True)
class Peer:
    """*command* and *install* get a folder of their own.

    *port_in* finds the port in what a proxy says that chooses one itself.
    """

    name: str
    target: Target
    command: Command
    install: Callable[[Path], None] = lambda _: None
    environment: Mapping[str, str] = field(default_factory=dict)
    port_in: "re.Pattern[str] | None" = None


def _upstream(place: str) -> str:
    return f"http://127.0.0.1:{UPSTREAM_PORT}/{place}/v1"


def _run(*command: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(  # noqa: S603 - fixed commands
        command,
        cwd=folder,
        check=True,
        capture_output=True,
        timeout=_INSTALL_SECONDS,
    )


def _python_environment(folder: Path, requirement: str) -> None:
    if (folder / "bin" / ".installed").exists():
        return
    _run(sys.executable, "-m", "venv", ".", folder=folder)
    _run("bin/python", "-m", "pip", "install", "--quiet", requirement, folder=folder)
    (folder / "bin" / ".installed").touch()


def _ours_on(python: Path) -> Command:
    def command(folder: Path, _: Tools) -> Sequence[str]:
        # Else it would ship the calls of the last round first.
        shutil.rmtree(folder / "spool", ignore_errors=True)
        return [
            *("/usr/bin/env", f"PYTHONPATH={import_path()}", str(python)),
            *("-m", "benchmarks.proxy.ours"),
            f"--port={PROXY_PORT}",
            f"--upstream=http://127.0.0.1:{UPSTREAM_PORT}",
            f"--folder={folder / 'spool'}",
        ]

    return command


def _nginx(folder: Path, tools: Tools) -> Sequence[str]:
    return [str(tools.nginx), "-c", str(proxy_conf(folder, tools))]


def _tensorzero(folder: Path, _: Tools) -> Sequence[str]:
    models = "\n".join(
        f"""\
[models.{place}]
routing = ["up"]
[models.{place}.providers.up]
type = "openai"
model_name = "{MODEL}"
api_base = "{_upstream(place)}/"
api_key_location = "none"
"""
        for place in PLACES
    )
    config = folder / "tensorzero.toml"
    config.write_text(f"[gateway]\nobservability.enabled = false\n{models}")
    program = dedent(
        f"""
        import asyncio, os, tensorzero
        async def main():
            started = tensorzero._start_http_gateway(
                config_file={str(config)!r}, clickhouse_url=None, postgres_url=None,
                valkey_url=None, async_setup=True)
            gateway = await started
            print(gateway.base_url, flush=True)
            await asyncio.Event().wait()
        asyncio.run(main())
        """
    )
    return [str(folder / "bin/python"), "-c", program]


def _litellm(folder: Path, _: Tools) -> Sequence[str]:
    models = [
        {
            "model_name": place,
            "litellm_params": {
                "model": f"openai/{MODEL}",
                "api_base": _upstream(place),
                "api_key": KEY,
            },
        }
        for place in PLACES
    ]
    config = folder / "litellm.yaml"
    config.write_text(json.dumps({"model_list": models}))  # JSON is YAML
    program = folder / "bin/litellm"
    return [
        *(str(program), "--config", str(config), "--num_workers", "1"),
        *("--host", "127.0.0.1", "--port", str(PROXY_PORT)),
    ]


def _portkey(folder: Path, _: Tools) -> Sequence[str]:
    script = folder / "node_modules/@portkey-ai/gateway/build/start-server.js"
    return ["node", str(script), "--headless", f"--port={PROXY_PORT}"]


def _install_portkey(folder: Path) -> None:
    if not (folder / "node_modules/@portkey-ai/gateway/build").exists():
        _run("npm", "install", "--silent", "--no-audit", _PORTKEY, folder=folder)


_OURS = Target(lambda place: f"/a/{token_of(place)}/openai/v1/chat/completions")
OURS = Peer("Ag2Trust", _OURS, _ours_on(IMAGES))
OURS_HERE = Peer("Ag2Trust, this Python", _OURS, _ours_on(HERE))
NGINX = Peer(
    "nginx proxy_pass", Target(lambda place: f"/{place}/v1/chat/completions"), _nginx
)
DIRECT = Target(lambda place: f"/{place}/v1/chat/completions")
"""The upstream itself."""

PEERS = (
    OURS,
    *((OURS_HERE,) if IMAGES != HERE else ()),
    NGINX,
    Peer(
        "TensorZero",
        Target(
            lambda _: "/openai/v1/chat/completions",
            model=lambda place: f"tensorzero::model_name::{place}",
        ),
        _tensorzero,
        port_in=re.compile(r"http://127\.0\.0\.1:(\d+)/openai"),
        install=lambda folder: _python_environment(folder, _TENSORZERO),
    ),
    Peer(
        "Portkey",
        Target(
            lambda _: "/v1/chat/completions",
            headers=lambda place: {
                "x-portkey-provider": "openai",
                "x-portkey-custom-host": _upstream(place),
            },
        ),
        _portkey,
        install=_install_portkey,
        environment={"NODE_ENV": "production"},
    ),
    Peer(
        "LiteLLM",
        Target(lambda _: "/v1/chat/completions", model=lambda place: place),
        _litellm,
        install=lambda folder: _python_environment(folder, _LITELLM),
        environment={
            "LITELLM_LOG": "ERROR",
            "LITELLM_MODE": "PRODUCTION",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
        },
    ),
)
