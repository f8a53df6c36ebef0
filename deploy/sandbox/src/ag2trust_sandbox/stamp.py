"""What tells one answer from another."""

import time
import uuid
from dataclasses import dataclass

__all__ = ["Stamp", "new_stamp"]


@dataclass(frozen=True, slots=True)
class Stamp:
    """An id in 32 hex digits, and Unix seconds."""

    id: str
    created: int


def new_stamp() -> Stamp:
    return Stamp(id=uuid.uuid4().hex, created=int(time.time()))
