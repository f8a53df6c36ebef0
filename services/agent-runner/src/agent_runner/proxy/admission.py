"""What the proxy asks of limits: may this call go to this provider, and what it used.

A call is admitted once for each provider that it is sent to.
"""

from typing import Protocol

from agent_runner.callers import ModelCaller
from shared.contracts.credentials import LeasedCredential

from .counting import Count, End
from .wire_format import Asked, WireFormat

__all__ = ["Admission", "Admissions", "Unlimited"]


class Admission(Protocol):
    """Room that was reserved for one call to one provider; ended exactly once."""

    def settle(self, end: End, count: Count) -> None:
        """Keep what the call used of its room; later ends change nothing."""

    def give_back(self) -> None:
        """Take no room: nothing was sent. Changes nothing after an end."""


class Admissions(Protocol):
    def bounded(
        self,
        agent: ModelCaller,
        credential: LeasedCredential,
        asked: Asked,
        wire_format: WireFormat,
    ) -> Asked:
        """Let a call whose tokens are limited say how many it may make at the most.

        Raises `OutputLimitRequiredError` for one that does not, where nothing says it
        instead.
        """
        ...

    def admit_at_once(
        self, agent: ModelCaller, credential: LeasedCredential
    ) -> Admission | None:
        """Admit a call of which nothing is counted that must be asked for.

        None where `admit` must say.
        """

    async def admit(
        self, agent: ModelCaller, credential: LeasedCredential, asked: Asked
    ) -> Admission:
        """Reserve room for a call before it leaves, all of it or nothing.

        Waits only to ask the record. Raises `LimitedError`, whose details say which
        limit, how much is left and when there is more, and `UnavailableError` while
        the record cannot be asked.
        """
        ...


class Unlimited:
    """Admits everything."""

    def bounded(
        self,
        agent: ModelCaller,
        credential: LeasedCredential,
        asked: Asked,
        wire_format: WireFormat,
    ) -> Asked:
        del agent, credential, wire_format
        return asked

    def admit_at_once(
        self, agent: ModelCaller, credential: LeasedCredential
    ) -> "Unlimited":
        del agent, credential
        return self

    async def admit(
        self, agent: ModelCaller, credential: LeasedCredential, asked: Asked
    ) -> "Unlimited":
        del agent, credential, asked
        return self

    def settle(self, end: End, count: Count) -> None:
        pass

    def give_back(self) -> None:
        pass
