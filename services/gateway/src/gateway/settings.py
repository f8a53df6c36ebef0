"""Everything the environment decides, read once at start."""

from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    DirectoryPath,
    Field,
    model_validator,
)
from pydantic_settings import SettingsConfigDict

from shared.settings import DatabaseSettings, PublicIdentitySetting
from shared.web_addresses import web_address

from .access.browsers import is_this_machine

__all__ = ["Settings"]

_SHA256_BYTES = 32


def _sha256(value: object) -> object:
    if not isinstance(value, str):
        return value
    decoded = bytes.fromhex(value)
    if len(decoded) != _SHA256_BYTES:
        raise ValueError("a SHA-256 has 64 hexadecimal digits")
    return decoded


Sha256 = Annotated[bytes, BeforeValidator(_sha256)]


def _origin(url: str) -> str:
    parts = urlsplit(url.rstrip("/"))
    is_origin = parts.hostname and not (parts.path or parts.query or parts.fragment)
    if parts.scheme not in {"http", "https"} or not is_origin or "@" in parts.netloc:
        raise ValueError("it looks like https://ag2trust.example.com")
    if parts.scheme == "http" and not is_this_machine(url):
        raise ValueError("people log in over https, or on this machine")
    return web_address(f"{parts.scheme}://{parts.netloc}").origin


def _issuer(url: str) -> str:
    parts = urlsplit(url)
    if not parts.hostname or parts.query or parts.fragment:
        raise ValueError("it looks like https://login.example.com")
    if parts.scheme != "https" and not is_this_machine(url):
        raise ValueError("an identity provider is asked over https")
    return url


class Settings(DatabaseSettings):
    """Settings of one gateway.

    *credentials_identity* is whom new secrets are sealed to. *bootstrap_key_hash* is
    the SHA-256 of the first owner key, used only while no organization exists;
    *first_login_hash* that of the link for the first person, while there is none.
    *oidc_issuer* and *oidc_client_id* name an identity provider to log in at, with a
    client that has no secret (PKCE).
    *public_url* is where browsers find this gateway: behind whatever ends TLS. Without
    one that is this machine, at *published_port* if a container hides *port*.
    With a *tls_certificate* and its *tls_key* it listens at *tls_port*, too, for TLS.
    *requests_per_minute* is what one key, or one person, may ask of this gateway.
    *dashboard_folder* holds the built dashboard; without one only the API is served.
    """

    model_config = SettingsConfigDict(env_prefix="AG2TRUST_GATEWAY_")

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    published_port: int | None = Field(default=None, ge=1, le=65535)
    tls_port: int | None = Field(default=None, ge=1, le=65535)
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    credentials_identity: PublicIdentitySetting
    requests_per_minute: int = Field(default=6_000, ge=1)
    bootstrap_key_hash: Sha256 | None = None
    first_login_hash: Sha256 | None = None
    public_url: Annotated[str, AfterValidator(_origin)] | None = None
    oidc_issuer: Annotated[str, AfterValidator(_issuer)] | None = None
    oidc_client_id: str | None = None
    dashboard_folder: DirectoryPath | None = None

    @property
    def url_for_people(self) -> str:
        here = f"http://127.0.0.1:{self.published_port or self.port}"
        return self.public_url or here

    @model_validator(mode="after")
    def _oidc_is_whole(self) -> Self:
        if (self.oidc_issuer is None) != (self.oidc_client_id is None):
            raise ValueError("oidc_issuer and oidc_client_id belong together")
        return self

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        given = {self.tls_port, self.tls_certificate, self.tls_key}
        if None in given and len(given) > 1:
            raise ValueError("tls_port, tls_certificate and tls_key belong together")
        return self
