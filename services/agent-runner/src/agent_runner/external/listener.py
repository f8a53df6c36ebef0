"""Where external agents reach this runner, and how that is kept private."""

import ssl

from agent_runner.settings import Settings
from shared.contracts.agent_runner import BaseUrls
from shared.tls import server_context

__all__ = ["base_urls", "tls_context"]


def base_urls(url: str) -> BaseUrls:
    """Return what official SDKs take, below the *url* of the listener."""
    root = url.rstrip("/")
    return BaseUrls(
        openai=f"{root}/openai/v1",
        anthropic=f"{root}/anthropic",
        bedrock=f"{root}/bedrock",
    )


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """Load the certificate, if there is one; raises `SettingsError` in plain words."""
    certificate, key = settings.external_tls_certificate, settings.external_tls_key
    if certificate is None or key is None:
        return None
    return server_context(certificate, key)
