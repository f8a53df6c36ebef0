"""Whom services trust beside the system's authorities: the variables of OpenSSL."""

from collections.abc import Mapping

__all__ = ["authorities_of"]

_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def authorities_of(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of *environment* that name certificates of authorities."""
    return {name: environment[name] for name in _VARIABLES if environment.get(name)}
