"""Everything the environment decides, read once at start."""

from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import DatabaseSettings, PublicIdentitySetting

__all__ = ["Settings"]


class Settings(DatabaseSettings):
    """*calls_kept_days* calls are there one by one; what they sum up to stays.

    Messages and tool calls are kept as long; sums by the minute *minutes_kept_days*,
    those of longer stretches for good.
    *credentials_identity* is the service that leases the secrets of webhooks.
    *private_webhook_hosts* are hosts in private networks that webhooks may lead to.
    *event_replicas* servers of a NATS cluster keep the public events; of one server, 1.
    Prometheus is answered at *prometheus_host* and *prometheus_port*, if that is set.
    """

    model_config = SettingsConfigDict(env_prefix="AG2TRUST_METRICS_")

    credentials_identity: PublicIdentitySetting
    private_webhook_hosts: frozenset[str] = frozenset()
    event_replicas: int = Field(default=1, ge=1, le=5)
    calls_kept_days: int = Field(default=100, ge=2, le=36_500)
    minutes_kept_days: int = Field(default=8, ge=2, le=36_500)
    prometheus_host: IPv4Address | IPv6Address = IPv4Address("127.0.0.1")
    prometheus_port: int | None = Field(default=None, ge=1, le=65535)

    @property
    def calls_kept(self) -> timedelta:
        return timedelta(days=self.calls_kept_days)

    @property
    def minutes_kept(self) -> timedelta:
        return timedelta(days=self.minutes_kept_days)
