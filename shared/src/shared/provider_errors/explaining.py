"""Explaining a provider's failure to people, by the table."""

from collections.abc import Callable, Mapping
from http import HTTPStatus

from shared.contracts.base import Explanation

from .anthropic import ANTHROPIC_ERRORS
from .aws import KMS_ERRORS, STS_ERRORS
from .bedrock import BEDROCK_ERRORS
from .meanings import INVALID_REQUEST, PROVIDER_ERROR
from .openai import OPENAI_ERRORS
from .rows import ErrorRow, ErrorSource, Failure, Meaning

__all__ = ["ERROR_TABLE", "explain", "meaning_of"]

ERROR_TABLE: Mapping[ErrorSource, tuple[ErrorRow, ...]] = {
    ErrorSource.OPENAI: OPENAI_ERRORS,
    ErrorSource.ANTHROPIC: ANTHROPIC_ERRORS,
    ErrorSource.BEDROCK: BEDROCK_ERRORS,
    ErrorSource.STS: STS_ERRORS,
    ErrorSource.KMS: KMS_ERRORS,
}
"""What each source reports; the first row that fits is the one."""

_LONGEST_NAME = 100
_LONGEST_MESSAGE = 400


def explain(
    source: ErrorSource, failure: Failure, *, hide: Callable[[str], str] = str
) -> Explanation:
    """Explain *failure*, also one that no row knows.

    What the provider says is cut, and freed of control characters and of what *hide*
    hides: some repeat the key that they refuse.
    """
    meaning = meaning_of(source, failure)
    name = next(iter(failure.names), "")
    return Explanation(
        code=meaning.code,
        provider_error=_plain(hide(name), _LONGEST_NAME) or None,
        message=_plain(hide(failure.message), _LONGEST_MESSAGE)
        or f"The provider answered {failure.status}.",
        cause=meaning.cause,
        fix=meaning.fix,
        retryable=meaning.retryable,
    )


def meaning_of(source: ErrorSource, failure: Failure) -> Meaning:
    for row in ERROR_TABLE[source]:
        if row.fits(failure):
            return row.meaning
    is_clients = HTTPStatus.BAD_REQUEST <= failure.status < 500  # noqa: PLR2004  a class
    return INVALID_REQUEST if is_clients else PROVIDER_ERROR


def _plain(hidden: str, longest: int) -> str:
    """Cut what was hidden already, lest half a secret remain; one line, printable."""
    cut = hidden[:longest]
    return "".join(each if each.isprintable() else " " for each in cut).strip()
