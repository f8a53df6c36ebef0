"""What a credential is made of: which secrets go together, and which are missing."""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from pydantic import JsonValue, SecretStr

from shared.contracts.credentials import (
    ProviderPatch,
    ProviderSubmission,
    ProviderType,
)
from shared.errors import InvalidError, ProviderIncompleteError

from .secret_text import hint_of, trimmed

__all__ = [
    "SECRETS",
    "SecretChange",
    "change_of",
    "hint_of_all",
    "incomplete",
    "is_temporary",
    "missing_fields",
    "require_fitting",
    "require_one_way",
    "secrets_in",
]

SECRETS = (
    "api_key",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
)
"""The fields that are kept sealed, whatever the type."""

_KEY_PAIR = ("aws_access_key_id", "aws_secret_access_key")

# IAM user guide, "IAM identifiers": AKIA is a user's key, ASIA a temporary one. Other
# prefixes name things that sign nothing.
_KEY_ID = re.compile(r"(AKIA|ASIA)[A-Z0-9]{12,124}")
_TEMPORARY = "ASIA"


def secrets_in(words: ProviderSubmission | ProviderPatch) -> dict[str, SecretStr]:
    """Return the secrets that were given, trimmed. Raises `InvalidError`."""
    given = {name: getattr(words, name) for name in SECRETS}
    return {
        name: trimmed(secret, field=name)
        for name, secret in given.items()
        if secret is not None
    }


@dataclass(frozen=True, slots=True)
class SecretChange:
    """What a patch does to stored secrets: *given* ones are new, *kept* ones stay."""

    given: dict[str, SecretStr]
    removed: frozenset[str]
    kept: frozenset[str]

    @property
    def changed(self) -> list[str]:
        return [name for name in SECRETS if name in self.given.keys() | self.removed]

    @property
    def names(self) -> frozenset[str]:
        """Name all that is there afterwards."""
        return self.kept | self.given.keys()


def change_of(patch: ProviderPatch, *, stored: AbstractSet[str]) -> SecretChange:
    """Tell what *patch* does to the secrets *stored*. Raises `InvalidError`."""
    given = secrets_in(patch)
    named = patch.model_fields_set & stored
    return SecretChange(
        given=given,
        removed=frozenset(named - given.keys()),
        kept=frozenset(stored - named),
    )


def require_one_way(names: AbstractSet[str], *, has_role: bool) -> None:
    """Refuse a bearer key beside the other ways to sign in."""
    if "api_key" not in names:
        return
    others = [name for name in SECRETS[1:] if name in names]
    others += ["aws_role_arn"] if has_role else []
    if others:
        raise InvalidError.of_field(
            "api_key",
            f"stands instead of {' and '.join(others)}; give one way to sign in and "
            "set the others to null",
        )


def require_fitting(secrets: Mapping[str, SecretStr]) -> None:
    """Refuse an access key id that is none, or that does not fit its session token."""
    if "aws_access_key_id" not in secrets:
        return
    key_id = secrets["aws_access_key_id"].get_secret_value()
    if not _KEY_ID.fullmatch(key_id):
        raise InvalidError.of_field(
            "aws_access_key_id",
            "must begin with AKIA or ASIA, upper-case letters and digits alone",
        )
    if "aws_session_token" in secrets and not key_id.startswith(_TEMPORARY):
        raise InvalidError.of_field(
            "aws_session_token",
            "belongs to temporary credentials, whose access key id begins with ASIA; "
            "one that begins with AKIA is an IAM user's and is used without a token",
        )


def is_temporary(secrets: Mapping[str, SecretStr]) -> bool:
    """Say whether the access key is of AWS STS, which only works with its token."""
    key_id = secrets.get("aws_access_key_id")
    return key_id is not None and key_id.get_secret_value().startswith(_TEMPORARY)


def missing_fields(
    provider_type: ProviderType,
    names: AbstractSet[str],
    *,
    aws_region: str | None,
    aws_role_arn: str | None,
    needs_token: bool,
    allow_ambient: bool,
) -> list[str]:
    """Name what is needed beside the secrets *names* before agents can work.

    *needs_token*: the access key is temporary. *allow_ambient*: a role may be assumed
    by the service's own identity, without a key pair.
    """
    if provider_type is not ProviderType.BEDROCK:
        return [] if "api_key" in names else ["api_key"]
    needed = [] if aws_region else ["aws_region"]
    if "api_key" in names:
        return needed
    is_ambient = aws_role_arn is not None and allow_ambient
    if not is_ambient or not names.isdisjoint(SECRETS):
        needed += [name for name in _KEY_PAIR if name not in names]
    if needs_token and "aws_session_token" not in names:
        needed.append("aws_session_token")
    return needed


def incomplete(
    provider_type: ProviderType, missing: list[str]
) -> ProviderIncompleteError:
    """Make the error that names what is missing, and the way out."""
    fields: list[JsonValue] = [
        {"field": name, "message": _needed(name)} for name in missing
    ]
    return ProviderIncompleteError(
        f"A provider of type {provider_type} also needs {', '.join(missing)}; with "
        '"allow_incomplete": true it is kept as it is, and its agents only '
        "acknowledge messages.",
        details={"missing": [*missing], "fields": fields},
    )


def hint_of_all(secrets: Mapping[str, SecretStr]) -> str | None:
    """Hint at the first of the secrets: of a key pair the id, which AWS shows too."""
    return next((hint_of(secrets[name]) for name in SECRETS if name in secrets), None)


def _needed(name: str) -> str:
    if name == "aws_session_token":
        return "is needed with an access key id that begins with ASIA"
    return "is needed"
