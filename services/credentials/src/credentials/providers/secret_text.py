"""What a secret looks like: trimmed, printable, and told by four characters at most."""

import re

from pydantic import SecretStr

from shared.errors import InvalidError

__all__ = ["hint_of", "trimmed"]

_USABLE = re.compile(r"[!-~]{1,8192}")
_HINT_CHARACTERS = 4
_HINTED_FROM_CHARACTERS = 16


def trimmed(secret: SecretStr, *, field: str) -> SecretStr:
    """Drop the white space around a pasted secret; refuse what cannot be one.

    A secret travels in a header and an environment variable, so it is printable ASCII
    without white space.
    """
    text = secret.get_secret_value().strip()
    if not _USABLE.fullmatch(text):
        raise InvalidError.of_field(
            field, "must be 1 to 8192 printable ASCII characters without white space"
        )
    return SecretStr(text)


def hint_of(secret: SecretStr) -> str | None:
    """Return "…" and the last four characters; nothing of a short secret."""
    text = secret.get_secret_value()
    if len(text) < _HINTED_FROM_CHARACTERS:
        return None
    return f"…{text[-_HINT_CHARACTERS:]}"
