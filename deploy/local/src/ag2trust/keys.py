"""The secrets of one home: each made once, kept, and never said aloud."""

import hashlib
import json
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from shared.contracts.base import Service
from shared.identity import Identity, IdentityFileError, PublicIdentity

from .errors import HomeUnusableError
from .home import Home
from .installation import RUNNER
from .postgres import SUPERUSER
from .private_files import write_private
from .provisioning import ROLES

__all__ = ["FirstKey", "Keys", "first_key", "kept_passwords", "keys_of"]

_MASTER_KEY_BYTES = 32
_KEY_LETTERS = string.ascii_letters + string.digits
_KEY_LENGTH = 40


@dataclass(frozen=True, slots=True)
class Keys:
    """What the servers and services of a home prove themselves with."""

    identities: Mapping[Service, Identity]
    identity_files: Mapping[Service, Path]
    passwords: Mapping[str, str]
    master_key_file: Path
    runners_file: Path

    @property
    def credentials_identity(self) -> PublicIdentity:
        return self.identities[Service.CREDENTIALS].public

    @property
    def metrics_identity(self) -> PublicIdentity:
        return self.identities[Service.METRICS].public

    @property
    def logins(self) -> Mapping[str, Service]:
        """Whose public nkey (`U…`) is which service's."""
        return {
            identity.public.nkey: service
            for service, identity in self.identities.items()
        }


@dataclass(frozen=True, slots=True)
class FirstKey:
    """The first owner's API key, as its SHA-256; *was_given_too_late*: set too late."""

    sha256: str
    was_given_too_late: bool


def keys_of(home: Home, *, is_new: bool) -> Keys:
    """Read the keys of *home*; those of a new one are made.

    Raises `HomeUnusableError` if a home with data has lost one: a new one would open
    nothing.
    """
    try:
        return _keys(home, is_new=is_new)
    except (OSError, ValueError, IdentityFileError) as error:
        raise HomeUnusableError(
            f"The keys in {home.keys} cannot be used: {_sentence(error)}. Put "
            f"back your copy of them{home.instead_of_lost_keys}."
        ) from error


def kept_passwords(home: Home) -> dict[str, str]:
    """Read the passwords of the database's roles, and make none.

    Raises `HomeUnusableError`.
    """
    try:
        known = json.loads(_password_file(home).read_text())
        return {role: known[role] for role in (SUPERUSER, *ROLES)}
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise HomeUnusableError(
            f"The passwords in {home.keys} cannot be read: {_sentence(error)}. Put "
            "back your copy of them."
        ) from error


def first_key(home: Home, given: SecretStr | None) -> FirstKey:
    """Return the hash of the first key: the one *given*, else one made into a file.

    Only a home's first start listens to *given*; only the hash outlives it.
    """
    kept = home.keys / "first-key.sha256"
    if kept.exists():
        sha256 = kept.read_text().strip()
        late = given is not None and _sha256(given.get_secret_value()) != sha256
        return FirstKey(sha256, was_given_too_late=late)
    key = given.get_secret_value() if given else _new_api_key(home.api_key)
    write_private(kept, _sha256(key))
    return FirstKey(_sha256(key), was_given_too_late=False)


def _keys(home: Home, *, is_new: bool) -> Keys:
    files = {service: home.keys / f"{service}.nkey" for service in Service}
    master_key = home.master_key
    passwords = _password_file(home)
    if is_new:
        _make_missing(files, master_key, passwords)
    identities = {service: Identity.from_file(file) for service, file in files.items()}
    master_key.stat()
    return Keys(
        identities=identities,
        identity_files=files,
        passwords=_passwords(passwords),
        master_key_file=master_key,
        runners_file=_runners(home.keys, identities[Service.AGENT_RUNNER]),
    )


def _sentence(error: Exception) -> str:
    match error:
        case FileNotFoundError():
            return f"{error.filename} is not there"
        case OSError():
            return f"{error.filename}: {error.strerror}"
        case json.JSONDecodeError():
            return "passwords.json is no JSON"
        case _:
            return str(error)


def _make_missing(
    identities: Mapping[Service, Path], master_key: Path, passwords: Path
) -> None:
    for file in identities.values():
        if not file.exists():
            write_private(file, Identity.generate().nkey_seed)
    if not master_key.exists():
        write_private(master_key, secrets.token_hex(_MASTER_KEY_BYTES))
    if not passwords.exists():
        write_private(passwords, json.dumps({SUPERUSER: _new_password()}))


def _passwords(file: Path) -> Mapping[str, str]:
    """Return a password for every role; one that is new to us gets its own."""
    known = json.loads(file.read_text())
    new = {role: _new_password() for role in ROLES if role not in known}
    if new:
        write_private(file, json.dumps(known | new, indent=2))
    return {str(role): str(password) for role, password in (known | new).items()}


def _password_file(home: Home) -> Path:
    return home.keys / "passwords.json"


def _new_password() -> str:
    return secrets.token_urlsafe(24)


def _runners(folder: Path, runner: Identity) -> Path:
    """Say which runners are trusted, and for whom; not secret, but not for editing."""
    trusted = {
        "runner": RUNNER,
        "identity": str(runner.public),
        "organizations": ["*"],
    }
    return write_private(folder / "runners.json", json.dumps([trusted], indent=2))


def _new_api_key(file: Path) -> str:
    """Make the file first: a start that is cut short here finds it again."""
    if not file.exists():
        random = "".join(secrets.choice(_KEY_LETTERS) for _ in range(_KEY_LENGTH))
        write_private(file, f"cust_{random}\n")
    return file.read_text().strip()


def _sha256(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
