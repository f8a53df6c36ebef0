"""The certificate that a server of ours proves itself with."""

import ssl
from pathlib import Path

from .settings import SettingsError

__all__ = ["server_context"]


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Load PEM files: a *certificate* with its chain, and its *key*.

    Raises `SettingsError` in plain words.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"The certificate {certificate} and its key cannot be used together."
        ) from error
    return context
