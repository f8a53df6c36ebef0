"""The path under which the gateway lists the calls that an alert is about."""

from datetime import datetime
from urllib.parse import urlencode

__all__ = ["calls_meant"]


def calls_meant(since: datetime, until: datetime, **wanted: str) -> str:
    period = {"from": since.isoformat(), "to": until.isoformat()}
    return f"/api/calls?{urlencode(wanted | period)}"
