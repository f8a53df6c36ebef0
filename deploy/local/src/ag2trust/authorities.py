"""Whom services trust beside the system's authorities: the variables of OpenSSL."""

import ssl
from collections.abc import Mapping

from .errors import WrongVariableError

__all__ = ["authorities_of", "require_certificates"]

_FILE = "SSL_CERT_FILE"
_VARIABLES = (_FILE, "SSL_CERT_DIR")


def authorities_of(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of *environment* that name certificates of authorities."""
    return {name: environment[name] for name in _VARIABLES if environment.get(name)}


def require_certificates(environment: Mapping[str, str]) -> None:
    """Raise `WrongVariableError` for a file without any: OpenSSL says nothing of it."""
    if file := environment.get(_FILE):
        try:
            ssl.create_default_context(cafile=file)
        except OSError:
            raise WrongVariableError(
                f"{_FILE} names {file}, of which no certificate can be read."
            ) from None
