"""What the tools of an agent may do in any 60 seconds, whoever runs them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from shared.contracts.agent_types import AgentLimits

from .leasing import Leasing
from .limit import Limit, LimitKind, Need

__all__ = ["PlatformLimits", "ToolUser"]

_VERSION_BITS = 32  # the version of a type is an integer of PostgreSQL

ReadLimits = Callable[[UUID, UUID], Awaitable[tuple[AgentLimits, int]]]
"""Reads the limits of an organization's agent type, and their version."""


@dataclass(frozen=True, slots=True)
class ToolUser:
    """Whose tool it is; an agent may have another type in a later *incarnation*."""

    org_id: UUID
    agent_id: UUID
    incarnation: int
    agent_name: str
    agent_type_id: UUID


class PlatformLimits:
    """Asks the record for every tool call: none is leased ahead.

    Fails closed: without PostgreSQL no tool runs.
    """

    def __init__(self, leasing: Leasing, read: ReadLimits) -> None:
        self._leasing = leasing
        self._read = read

    async def take(self, user: ToolUser, *, is_http_request: bool = False) -> None:
        """Count a tool call, which may be an HTTP request as well: both or neither.

        Raises `LimitedError` with when to come again, and `DatabaseUnavailableError`.
        """
        limits, version = await self._read(user.org_id, user.agent_type_id)
        amounts = {LimitKind.TOOL_CALLS: limits.tool_calls_per_minute}
        if is_http_request:
            amounts[LimitKind.HTTP_REQUESTS] = limits.http_requests_per_minute
        needs = [
            Need(_limit(user, kind, amount, _version(user, version)), 1)
            for kind, amount in amounts.items()
        ]
        for part in await self._leasing.lease(needs):
            self._leasing.settle(part, part.units)


def _version(user: ToolUser, of_type: int) -> int:
    """Let what an agent's type says now count for more than what another one said."""
    return (user.incarnation << _VERSION_BITS) + of_type


def _limit(user: ToolUser, kind: LimitKind, amount: int, version: int) -> Limit:
    return Limit(
        key=f"agent:{user.agent_id}:{kind}",
        org_id=user.org_id,
        kind=kind,
        amount=amount,
        version=version,
        of=f'agent "{user.agent_name}"',
        of_id=user.agent_id,
    )
