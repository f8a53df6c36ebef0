"""What this process tells of itself, for Prometheus: the metrics service shows it."""

import platform
import re

from shared.bus import NatsBus
from shared.contracts.measurements import CREDENTIALS_MEASURED, ProcessMeasured
from shared.process_usage import process_usage

__all__ = ["tell_measured"]

_LONGEST_NAME = 63


async def tell_measured(bus: NatsBus) -> None:
    usage = process_usage()
    measured = ProcessMeasured(
        process=_host(),
        cpu_seconds=usage.cpu_seconds,
        resident_bytes=usage.resident_bytes,
        open_files=usage.open_files,
        answered=bus.tally.rows(),
    )
    await bus.signal(CREDENTIALS_MEASURED, measured)


def _host() -> str:
    """Name the machine or container; one runs one process of this service."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", platform.node())[:_LONGEST_NAME] or "unnamed"
