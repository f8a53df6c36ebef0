"""Logs: one line of JSON an event, with the request it belongs to.

Never a secret, never message content, never the locals of a stack frame, and never the
words of an exception: those of aiohttp hold the request's headers, those of asyncpg and
of `int` the value that was refused. Its class and where it was raised must do.
"""

import logging
import re
import sys
from typing import Any, Literal

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, ExcInfo

from .tracing import current

__all__ = ["Level", "set_up_logs"]

Level = Literal["debug", "info", "warning", "error"]

_NOISY = ("aiohttp", "asyncio", "nats", "aiodocker")
_FIRST_WORDS = re.compile(r"[^\n(<]*")


def set_up_logs(service: str, *, level: Level) -> None:
    """Send every log line of this process to standard error, as JSON."""
    minimum = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _name_trace,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(_without_words),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(minimum),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    logging.basicConfig(
        level=logging.WARNING,
        handlers=[_Forwarding()],
        force=True,
        format="%(message)s",
    )
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(minimum, logging.WARNING))


def _name_trace(_: object, __: str, event: EventDict) -> EventDict:
    """Say to which trace an event belongs, where there is one."""
    if context := current().context:
        event["trace_id"] = context.trace_id
    return event


def _without_words(exc_info: ExcInfo) -> list[dict[str, Any]]:
    """Say of an exception, its causes and its group what they are, and where."""
    return _reduced(ExceptionDictTransformer(show_locals=False)(exc_info))


def _reduced(stacks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "exc_type": stack["exc_type"],
            "is_cause": stack["is_cause"],
            "frames": stack["frames"],
            **({"exceptions": _groups(stack)} if stack["is_group"] else {}),
        }
        for stack in stacks
    ]


def _groups(stack: dict[str, Any]) -> list[list[dict[str, Any]]]:
    return [_reduced(each) for each in stack["exceptions"]]


class _Forwarding(logging.Handler):
    """Tell what libraries log as events of ours, without what they put into it."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger(record.name).log(
            min(record.levelno // 10 * 10, logging.CRITICAL),  # structlog knows no 35
            "library.logged",
            logger=record.name,
            message=_template(record),
            place=f"{record.module}:{record.lineno}",
            exc_info=record.exc_info,
        )


def _template(record: logging.LogRecord) -> str:
    """Return the constant part of a message.

    asyncio alone puts values in before it logs: they follow its first words, in
    brackets or on further lines.
    """
    if not isinstance(record.msg, str):
        return type(record.msg).__name__
    found = _FIRST_WORDS.match(record.msg)
    return found[0].strip() if found else ""
