"""Which runners may ask for secrets, and of which organizations.

Deployment writes the file; nothing is ever learned from the bus.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from shared.settings import PublicIdentitySetting, SettingsError
from shared.wrong_values import what_is_wrong

__all__ = ["EnrolledRunner", "Enrolment"]


class EnrolledRunner(BaseModel):
    """One entry of the file; `"*"` stands for every organization."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    runner: Annotated[str, Field(min_length=1, max_length=63)]
    identity: PublicIdentitySetting
    organizations: list[UUID | Literal["*"]] = Field(min_length=1)

    def serves(self, org_id: UUID) -> bool:
        return "*" in self.organizations or org_id in self.organizations


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The enrolled runners, found by the identity that signs."""

    runners: Sequence[EnrolledRunner]

    @classmethod
    def from_file(cls, path: Path) -> "Enrolment":
        """Read a JSON list of runners; raise `SettingsError` saying what is wrong."""
        try:
            runners = _FILE.validate_json(path.read_bytes())
        except OSError as error:
            raise SettingsError(f"The runners file {path} cannot be read.") from error
        except ValidationError as error:
            raise SettingsError(
                f"The runners file {path} is wrong:\n{_problems(error)}"
            ) from None
        nkeys = {each.identity.nkey for each in runners}
        names = {each.runner for each in runners}
        if min(len(nkeys), len(names)) < len(runners):
            raise SettingsError(
                f"The runners file {path} names a runner or an identity twice."
            )
        return cls(runners)

    def of(self, nkey: str) -> EnrolledRunner | None:
        return next((each for each in self.runners if each.identity.nkey == nkey), None)


_FILE = TypeAdapter(list[EnrolledRunner])


def _problems(error: ValidationError) -> str:
    return "\n".join(
        f"{'.'.join(map(str, each['loc']))}: {what_is_wrong(each)}"
        for each in error.errors(include_input=False, include_url=False)
    )
