"""What a caller is told that a limit refuses: which one, how much is left, and when."""

from datetime import UTC, datetime, timedelta

from pydantic import JsonValue

from shared.clock import to_the_second
from shared.errors import BudgetSpentError, LimitedError, LimitTooSmallError
from shared.provider_errors.refusals import explained_refusal

from .exchange import Granted
from .limit import Limit, LimitKind, Need, Span

__all__ = ["refused"]

_NANODOLLARS = 1_000_000_000
_TRY_AGAIN_SECONDS = 1.0
_MINUTE = 60.0
_NOUNS = {
    LimitKind.REQUESTS: ("request", "a minute"),
    LimitKind.TOKENS: ("token", "a minute"),
    LimitKind.CONCURRENT: ("call", "at once"),
    LimitKind.TOOL_CALLS: ("tool call", "a minute"),
    LimitKind.HTTP_REQUESTS: ("HTTP request", "a minute"),
}


def refused(
    need: Need, standing: Granted, *, left: int, wall: datetime
) -> LimitedError:
    """Word the refusal of *need* as the limit stands; *wall* is the time of day.

    *left* counts what was granted and is too little.
    """
    limit = need.limit
    amount = standing.amount or 0
    seconds = _seconds(need, standing, left, wall)
    details: dict[str, JsonValue] = {
        "limit": limit.kind.value,
        "of": limit.of,
        "of_id": str(limit.of_id),
        "amount": amount,
        "left": left,
        "asked": need.units,
    }
    if seconds is not None:
        at = (wall + timedelta(seconds=seconds)).astimezone(UTC)
        details["retry_at"] = at.isoformat(timespec="milliseconds")
    if need.units > amount:
        message = (
            f"{_what(limit, amount)}; this call may take {_units(limit, need.units)},"
            " which it never allows."
        )
        return _explained(LimitTooSmallError, message, details, None)
    error = BudgetSpentError if limit.span is Span.PERIOD else LimitedError
    message = (
        f"{_what(limit, amount)}; {_units(limit, left)} left,"
        f" {_units(limit, need.units)} asked for{_when(seconds, wall)}."
    )
    return _explained(error, message, details, seconds)


def _explained(
    error: type[LimitedError],
    message: str,
    details: dict[str, JsonValue],
    seconds: float | None,
) -> LimitedError:
    explanation = explained_refusal(error.code, message).model_dump(mode="json")
    return error(
        message,
        details={**details, "explanation": explanation},
        retry_after_seconds=seconds,
    )


def _seconds(need: Need, standing: Granted, left: int, wall: datetime) -> float | None:
    match need.limit.span:
        case Span.MINUTE:
            seconds = standing.seconds_until(need.units - left)
            return _TRY_AGAIN_SECONDS if seconds is None else min(seconds, _MINUTE)
        case Span.HELD:
            return _TRY_AGAIN_SECONDS
        case Span.PERIOD:
            ends_at = need.limit.ends_at
            return None if ends_at is None else (ends_at - wall).total_seconds()


def _what(limit: Limit, amount: int) -> str:
    if limit.kind not in _NOUNS:
        return f"The {limit.of} allows {_units(limit, amount)}"
    noun, span = _NOUNS[limit.kind]
    return f"The {limit.of} allows {_counted(amount, noun)} {span}"


def _units(limit: Limit, units: int) -> str:
    if limit.is_in_dollars:
        return f"${units / _NANODOLLARS:.6f}"
    if limit.kind in {LimitKind.TOKENS, LimitKind.BUDGET}:
        return _counted(units, "token")
    return str(units)


def _counted(amount: int, noun: str) -> str:
    return f"{amount} {noun}" if amount == 1 else f"{amount} {noun}s"


def _when(seconds: float | None, wall: datetime) -> str:
    if seconds is None:
        return ""
    return f"; again at {to_the_second(wall + timedelta(seconds=seconds))}"
