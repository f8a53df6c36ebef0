"""What a service is told of OpenTelemetry: the standard variables of the launcher.

The credentials service is told nothing: the process that holds the master key sends
nothing anywhere. Agents are told nothing: their environment is made by their runner.
"""

from collections.abc import Mapping

from shared.contracts.base import Service

__all__ = ["telemetry_of"]

_PREFIX = "OTEL_"
_NAME = "OTEL_SERVICE_NAME"


def telemetry_of(service: Service, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of *environment* that are for *service*.

    A name given to all of them is the first part of each one's own.
    """
    if service is Service.CREDENTIALS:
        return {}
    told = {
        name: value
        for name, value in environment.items()
        if name.startswith(_PREFIX) and value
    }
    if name := told.get(_NAME):
        told[_NAME] = f"{name}-{service.replace('_', '-')}"
    return told
