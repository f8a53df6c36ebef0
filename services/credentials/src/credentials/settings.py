"""Everything the environment decides, read once at start."""

from pathlib import Path

from pydantic_settings import SettingsConfigDict

from shared.settings import DatabaseSettings

__all__ = ["Settings"]


class Settings(DatabaseSettings):
    """Settings of the credentials service.

    *master_key_file* wraps every data key; without it no secret can be read again.
    *runners_file* says which runners may ask for secrets (`enrolment`).
    """

    model_config = SettingsConfigDict(env_prefix="AG2TRUST_CREDENTIALS_")

    master_key_file: Path
    runners_file: Path
    allow_private_base_urls: bool = False
