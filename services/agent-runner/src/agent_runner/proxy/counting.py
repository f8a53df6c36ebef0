"""What a call is counted as, by how it ended: a table.

The figures are the provider's. We estimate only where it counted and could not tell us,
because its answer broke off or nobody waited for it; an estimate is recorded as one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple

from agent_runner.used import Used
from shared.contracts.metrics import UsageSource

from .usage import Report

__all__ = [
    "OTHERWISE",
    "SILENCE",
    "Count",
    "End",
    "Otherwise",
    "Spoken",
    "counted",
    "estimated_input",
    "estimated_output",
    "files_in",
]


class End(Enum):
    """How a call ended, as far as its usage is concerned."""

    ANSWERED = auto()
    """The whole answer came."""

    REFUSED = auto()
    """The provider answered with an error or a redirect."""

    UNANSWERED = auto()
    """The provider did not answer."""

    TIMED_OUT = auto()
    """The provider was asked, and did not answer in time."""

    FAILED = auto()
    """The answer says itself that it failed."""

    BROKEN = auto()
    """The answer broke off."""

    ABANDONED = auto()
    """The agent went away."""


class Otherwise(Enum):
    """What is counted where nothing final was reported."""

    WHAT_WAS_REPORTED = auto()
    """The figures there are; what was not told is not known."""

    AN_ESTIMATE = auto()

    AN_ESTIMATE_OF_WORDS = auto()
    """An estimate, if a word was said; a failure before it is not billed."""


OTHERWISE: Mapping[End, Otherwise] = {
    End.ANSWERED: Otherwise.WHAT_WAS_REPORTED,
    End.REFUSED: Otherwise.WHAT_WAS_REPORTED,
    End.UNANSWERED: Otherwise.WHAT_WAS_REPORTED,
    End.TIMED_OUT: Otherwise.WHAT_WAS_REPORTED,
    End.FAILED: Otherwise.AN_ESTIMATE_OF_WORDS,
    End.BROKEN: Otherwise.AN_ESTIMATE,
    End.ABANDONED: Otherwise.AN_ESTIMATE,
}

_BYTES_OF_A_TOKEN = 4
_TOKENS_OF_A_FILE = 1000

# What comes before images and documents, in the formats of the three providers.
_FILE_MARKS = (b";base64,", b'"data":"', b'"data": "', b'"bytes":"', b'"bytes": "')
_SHORTEST_FILE_BYTES = 256


class Count(NamedTuple):
    usage: Used
    source: UsageSource


@dataclass(frozen=True, slots=True)
class Spoken:
    """What came of an answer; *tokens* None where that cannot be told."""

    has_words: bool = False
    tokens: int | None = None


SILENCE = Spoken()


def counted(
    end: End, report: Report, spoken: Spoken, *, estimate_input: Callable[[], int]
) -> Count:
    """Count a call that ended so. *estimate_input* is asked only where it is needed."""
    if report.is_refused:
        return Count(Used(), UsageSource.REFUSED)
    is_reported = report.usage is not None
    if (is_reported and report.is_final) or not _is_estimated(end, spoken):
        source = UsageSource.REPORTED if is_reported else UsageSource.NONE
        return Count(report.usage or Used(), source)
    told = report.usage or Used()
    is_told = told.input_tokens is not None
    estimated = told._replace(
        input_tokens=told.input_tokens if is_told else estimate_input(),
        output_tokens=_most(told.output_tokens, spoken.tokens),
    )
    return Count(estimated, UsageSource.ESTIMATED)


def estimated_input(body: bytes) -> int:
    """Estimate the tokens of a request: 4 bytes of text each, 1000 for each file."""
    files, file_bytes = files_in(body)
    text_bytes = len(body) - file_bytes
    return -(-text_bytes // _BYTES_OF_A_TOKEN) + files * _TOKENS_OF_A_FILE


def estimated_output(events: int, text_bytes: int) -> int:
    """Estimate the tokens of an answer: 4 bytes of text each, and one an event."""
    return max(events, -(-text_bytes // _BYTES_OF_A_TOKEN))


def _is_estimated(end: End, spoken: Spoken) -> bool:
    match OTHERWISE[end]:
        case Otherwise.WHAT_WAS_REPORTED:
            return False
        case Otherwise.AN_ESTIMATE:
            return True
        case Otherwise.AN_ESTIMATE_OF_WORDS:
            return spoken.has_words


def _most(*counts: int | None) -> int | None:
    return max((each for each in counts if each is not None), default=None)


def files_in(body: bytes) -> tuple[int, int]:
    """Count images and documents, and their bytes, without taking the body apart."""
    files = size = 0
    for mark in _FILE_MARKS:
        end = 0
        # From where the last one ended: no byte is looked at twice for a mark.
        while (at := body.find(mark, end)) >= 0:
            start = at + len(mark)
            end = body.find(b'"', start)
            if end < 0:
                break
            if end - start >= _SHORTEST_FILE_BYTES:
                files, size = files + 1, size + end - start
    return files, size
