"""Logs: one line of JSON an event, with the request it belongs to.

Never a secret, never message content, never the locals of a stack frame.
"""

import logging
import sys
from typing import Literal

import structlog
from structlog.tracebacks import ExceptionDictTransformer

__all__ = ["Level", "set_up_logs"]

Level = Literal["debug", "info", "warning", "error"]

_NOISY = ("aiohttp", "asyncio", "nats", "aiodocker")


def set_up_logs(service: str, *, level: Level) -> None:
    """Send every log line of this process to standard error, as JSON."""
    minimum = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(
                ExceptionDictTransformer(show_locals=False)
            ),
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


class _Forwarding(logging.Handler):
    """Tell what libraries log as events of ours, without their exception text."""

    def emit(self, record: logging.LogRecord) -> None:
        error = (
            record.exc_info[0].__name__
            if record.exc_info and record.exc_info[0]
            else None
        )
        structlog.get_logger(record.name).log(
            record.levelno,
            "library.logged",
            logger=record.name,
            message=record.getMessage(),
            error=error,
        )
