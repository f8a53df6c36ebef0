"""What a row of the table of provider errors holds.

A row is known by one of the provider's names, and else by its status; where a provider
gives one name to several failures, by what the error says besides. Clients must not
rely on texts, and neither do we: a text only picks a more helpful row, and without it
the row of the name or the status is as right as before.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

__all__ = ["ErrorRow", "ErrorSource", "Failure", "Meaning"]


class ErrorSource(StrEnum):
    """Who reports the failure; provider types have the values of `ProviderType`."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    BEDROCK = "bedrock"
    STS = "sts"
    KMS = "kms"


@dataclass(frozen=True, slots=True)
class Failure:
    """What a provider says of a failure.

    *status* is the HTTP status, 200 for one inside a stream. *names* are its own names
    for it, the most specific first; *param* is the request's field that it blames.
    """

    status: int
    names: tuple[str, ...] = ()
    message: str = ""
    param: str | None = None


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a failure comes to: our stable code, the likely cause, the fix."""

    code: str
    cause: str
    fix: str
    retryable: bool = False


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One failure as its provider documents it.

    *names* are alternatives, `*` standing for any text; a row without names is for
    whatever else comes with one of *statuses*. *param* and *says* tell failures of one
    name apart.
    """

    statuses: tuple[int, ...]
    names: tuple[str, ...]
    meaning: Meaning
    param: str | None = None
    says: re.Pattern[str] | None = None

    def fits(self, failure: Failure) -> bool:
        if self.param is not None and self.param != failure.param:
            return False
        if self.says is not None and not self.says.search(failure.message):
            return False
        if not self.names:
            return failure.status in self.statuses
        return any(
            fnmatchcase(name, pattern)
            for name in failure.names
            for pattern in self.names
        )
