"""nginx and wrk, from Debian's packages, into a folder of their own."""

import os
import subprocess
from pathlib import Path

__all__ = ["Tools", "fetched_tools"]

_PACKAGES = (
    "nginx",
    "libnginx-mod-http-echo",
    "wrk",
    "libluajit2-5.1-2",
    "libluajit-5.1-2",
)


class Tools:
    """Where the programs lie, and what they need to run there."""

    def __init__(self, root: Path) -> None:
        self.nginx = root / "usr/sbin/nginx"
        self.echo_module = root / "usr/lib/nginx/modules/ngx_http_echo_module.so"
        self.wrk = root / "usr/bin/wrk"
        libraries = root / "usr/lib" / f"{os.uname().machine}-linux-gnu"
        self.environment = {**os.environ, "LD_LIBRARY_PATH": str(libraries)}

    def are_there(self) -> bool:
        return self.nginx.exists() and self.wrk.exists() and self.echo_module.exists()


def fetched_tools(folder: Path) -> Tools:
    """Download and unpack the packages, unless that was done before.

    Nothing is installed on the system. Raises `subprocess.CalledProcessError`.
    """
    tools = Tools(folder / "root")
    if tools.are_there():
        return tools
    folder.mkdir(parents=True, exist_ok=True)
    for package in _PACKAGES:
        run(
            ["apt-get", "download", "-qq", package],
            folder,
            may_fail="luajit" in package,
        )
    for archive in sorted(folder.glob("*.deb")):
        run(["dpkg", "-x", archive.name, "root"], folder)
    if not tools.are_there():
        raise SystemExit("nginx and wrk could not be fetched; try `apt-get update`.")
    return tools


def run(command: list[str], folder: Path, *, may_fail: bool = False) -> None:
    subprocess.run(command, cwd=folder, check=not may_fail, capture_output=True)  # noqa: S603 - fixed commands
