"""The state folder: everything one installation has, and who holds it now.

api-key           the first owner's key, if the launcher made it
audit/            copy this to elsewhere: signed heads of the audit
data/             what `ag2trust backup` reads: PostgreSQL, the spool; JetStream
keys/             back this up elsewhere: master keys, identities, passwords
logs/             what each process says, `<name>.log`
installation      a short name, unique on the machine
version, lock, nats-port, gateway-port, children.json,
broker/           with the launch broker's socket
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .errors import HomeUnusableError, TakenError
from .private_files import make_private_folder, write_private

__all__ = ["Home", "open_home"]

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Home:
    """The paths of a home; *folder* is absolute."""

    folder: Path

    @property
    def api_key(self) -> Path:
        return self.folder / "api-key"

    @property
    def audit(self) -> Path:
        return self.folder / "audit"

    @property
    def children(self) -> Path:
        return self.folder / "children.json"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def installation(self) -> Path:
        return self.folder / "installation"

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    @property
    def lock(self) -> Path:
        return self.folder / "lock"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def master_key(self) -> Path:
        return self.keys / "master.key"

    @property
    def instead_of_lost_keys(self) -> str:
        """What else can be done when no copy of lost keys is left."""
        return ", or name a new folder in AG2TRUST_HOME"

    @property
    def retired_master_keys(self) -> tuple[Path, ...]:
        """Master keys that open what a rewrap has not come to yet."""
        return tuple(sorted(self.keys.glob("retired-*.key")))

    @property
    def nats_port(self) -> Path:
        return self.folder / "nats-port"

    @property
    def gateway_port(self) -> Path:
        """Where commands of another terminal find the gateway."""
        return self.folder / "gateway-port"

    @property
    def version(self) -> Path:
        return self.folder / "version"

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"


@contextmanager
def open_home(folder: Path) -> Iterator[Home]:
    """Hold the home at *folder* for this launcher alone, made if need be.

    Raises `HomeUnusableError`, or `TakenError` if another launcher holds it.
    """
    home = Home(folder.expanduser().absolute())
    with _explained(home):
        _refuse_foreign_folder(home)
        make_private_folder(home.folder)
        lock = os.open(home.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _take(lock, home)
        with _explained(home):
            _check_version(home)
            for each in (home.data, home.keys, home.logs):
                make_private_folder(each)
        yield home
    finally:
        os.close(lock)


def _refuse_foreign_folder(home: Home) -> None:
    if not home.folder.exists() or home.lock.exists():
        return
    if any(home.folder.iterdir()):
        raise HomeUnusableError(
            f"{home.folder} holds something else; name an empty or a new folder in "
            "AG2TRUST_HOME."
        )


def _take(lock: int, home: Home) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(lock, 20, 0).decode().strip()
        raise TakenError(
            f"{home.folder} is in use by another launcher (process {holder}). Stop it, "
            "or name another folder in AG2TRUST_HOME."
        ) from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)


def _check_version(home: Home) -> None:
    if not home.version.exists():
        write_private(home.version, f"{_VERSION}\n")
    found = home.version.read_text().strip()
    if found != str(_VERSION):
        raise HomeUnusableError(
            f"{home.folder} is of version {found}, made by a newer Ag2Trust; this "
            f"one knows version {_VERSION}. Update, or name another folder in "
            "AG2TRUST_HOME."
        )


@contextmanager
def _explained(home: Home) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno or errno.EIO)
        raise HomeUnusableError(
            f"The state cannot be kept in {home.folder}: {reason}. Name another folder "
            "in AG2TRUST_HOME."
        ) from error
