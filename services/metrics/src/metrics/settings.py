"""Everything the environment decides, read once at start."""

from pydantic_settings import SettingsConfigDict

from shared.settings import DatabaseSettings

__all__ = ["Settings"]


class Settings(DatabaseSettings):
    model_config = SettingsConfigDict(env_prefix="AG2TRUST_METRICS_")
