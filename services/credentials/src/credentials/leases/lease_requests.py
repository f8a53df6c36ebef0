"""Which signed lease requests are believed, and why others are refused."""

from datetime import timedelta
from enum import StrEnum
from typing import TypeVar

from shared.clock import Clock
from shared.contracts.base import Signed
from shared.contracts.credentials import LeaseRequest
from shared.contracts.mcp_servers import McpLeaseRequest
from shared.errors import LeaseRefusedError, UnavailableError
from shared.signing import SignatureBrokenError, verify

from .enrolment import EnrolledRunner, Enrolment

__all__ = ["CLOCK_TOLERANCE", "LeaseRequests", "Refusal", "RefusedError", "told_of"]

CLOCK_TOLERANCE = timedelta(seconds=30)
_UNKNOWN = "unknown"

RequestT = TypeVar("RequestT", LeaseRequest, McpLeaseRequest)


class Refusal(StrEnum):
    """Why a lease was refused: for our audit and log, never for who asked."""

    UNENROLLED = "the signer is not enrolled"
    FORGED = "the signature does not fit the words"
    FOREIGN_NAME = "the signer is enrolled under another name"
    FOREIGN_ORGANIZATION = "the signer is not enrolled for the organization"
    LATE = "the request was not made just now"
    NO_USE = "the agent does not use the provider"
    NO_PROVIDER = "there is no such provider"
    NO_MCP_SERVER = "there is no such MCP server, or the agent does not use it"
    NO_SECRET = "the webhook has no secret"  # noqa: S105 - a reason
    NO_STAGED_SECRET = "no secret is staged under this rotation"  # noqa: S105 - a reason
    REPLAYED = "the nonce was seen before"
    FROZEN = "the installation is frozen"


class RefusedError(Exception):
    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason)
        self.reason = reason


def told_of(reason: Refusal) -> LeaseRefusedError | UnavailableError:
    """Say what who asked is told: nothing of why, but that a clock is wrong.

    A request is late by its own signature: this tells no forger anything, and who holds
    a lease keeps it until the clocks agree again.
    """
    if reason is Refusal.LATE:
        return UnavailableError(
            "The clocks of who asks and of the credentials service differ by more"
            f" than {CLOCK_TOLERANCE.seconds} s."
        )
    return LeaseRefusedError("This lease is refused.")


class LeaseRequests:
    """Believes the enrolled runners of *enrolment*, each for its organizations."""

    def __init__(self, enrolment: Enrolment, *, now: Clock) -> None:
        self._enrolment = enrolment
        self._now = now

    def believed(
        self, signed: Signed, kind: type[RequestT], *, purpose: str
    ) -> RequestT:
        """Read a request that may be answered. Raises `RefusedError`."""
        runner = self._enrolment.of(signed.signer)
        if runner is None:
            raise RefusedError(Refusal.UNENROLLED)
        try:
            request = verify(signed, kind, purpose=purpose, of=runner.identity)
        except SignatureBrokenError:
            raise RefusedError(Refusal.FORGED) from None
        self._require_entitled(runner, request)
        return request

    def signer(self, signed: Signed, reason: Refusal) -> str:
        """Name who signed what was refused, if the signature may be believed."""
        runner = self._enrolment.of(signed.signer)
        is_forged = reason is Refusal.FORGED
        return _UNKNOWN if runner is None or is_forged else runner.runner

    def _require_entitled(
        self, runner: EnrolledRunner, request: LeaseRequest | McpLeaseRequest
    ) -> None:
        if request.runner != runner.runner:
            raise RefusedError(Refusal.FOREIGN_NAME)
        if not runner.serves(request.org_id):
            raise RefusedError(Refusal.FOREIGN_ORGANIZATION)
        if abs(self._now() - request.issued_at) > CLOCK_TOLERANCE:
            raise RefusedError(Refusal.LATE)
