"""Keep AWS's SDK from telling in logs what its answers hold.

At DEBUG botocore logs whole answers (botocore/parsers.py, "Response body"): the data
keys of KMS and the credentials of STS, in plaintext.
"""

import logging
from collections.abc import Callable
from typing import Any

__all__ = ["withhold_aws_logs"]

_FAMILIES = frozenset({"aioboto3", "aiobotocore", "boto3", "botocore"})


def withhold_aws_logs() -> None:
    """Empty every record of the SDK below WARNING, for the life of the process.

    A level can be set back by whoever finds the logger, also one that is made later;
    what every record is made by comes before loggers, levels and handlers.
    """
    for family in _FAMILIES:
        logging.getLogger(family).setLevel(logging.WARNING)
    make = logging.getLogRecordFactory()
    if not isinstance(make, _WithholdingFactory):
        logging.setLogRecordFactory(_WithholdingFactory(make))


class _WithholdingFactory:
    """Makes records as *make* does, and those of the SDK without their message."""

    def __init__(self, make: Callable[..., logging.LogRecord]) -> None:
        self._make = make

    def __call__(
        self, name: str, level: int, *place: Any, **more: Any
    ) -> logging.LogRecord:
        record = self._make(name, level, *place, **more)
        if level < logging.WARNING and name.partition(".")[0] in _FAMILIES:
            record.msg, record.args, record.exc_info = "withheld", (), None
        return record
