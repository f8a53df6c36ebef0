"""Everything the environment decides, read once at start."""

from typing import Annotated

from pydantic import BeforeValidator, DirectoryPath, Field
from pydantic_settings import SettingsConfigDict

from shared.settings import DatabaseSettings, PublicIdentitySetting

__all__ = ["Settings"]

_SHA256_BYTES = 32


def _sha256(value: object) -> object:
    if not isinstance(value, str):
        return value
    decoded = bytes.fromhex(value)
    if len(decoded) != _SHA256_BYTES:
        raise ValueError("a SHA-256 has 64 hexadecimal digits")
    return decoded


class Settings(DatabaseSettings):
    """Settings of one gateway.

    *credentials_identity* is whom new secrets are sealed to. *bootstrap_key_hash* is
    the SHA-256 of the first owner key, used only while no organization exists.
    *requests_per_minute* is what one key, or one person, may ask of this gateway.
    *dashboard_folder* holds the built dashboard; without one only the API is served.
    """

    model_config = SettingsConfigDict(env_prefix="AG2TRUST_GATEWAY_")

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    credentials_identity: PublicIdentitySetting
    requests_per_minute: int = Field(default=6_000, ge=1)
    bootstrap_key_hash: Annotated[bytes, BeforeValidator(_sha256)] | None = None
    dashboard_folder: DirectoryPath | None = None
