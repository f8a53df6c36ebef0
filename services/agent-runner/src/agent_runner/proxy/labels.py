"""Labels of a call: its own in `x-ag2trust-labels`, its agent type's, its provider's.

They become dimensions of usage. Where names meet, what an operator said holds.
"""

import json
from collections.abc import Iterator, Mapping

from pydantic import TypeAdapter, ValidationError

from shared.contracts.base import Labels
from shared.errors import MalformedError

from .headers import values_of
from .wire_format import Fields

__all__ = ["labels_in", "laid_together"]

_NAME = b"x-ag2trust-labels"

_MOST_BYTES = 1024
_LABELS: TypeAdapter[dict[str, str]] = TypeAdapter(Labels)


def labels_in(fields: Fields) -> dict[str, str]:
    """Read `team=research, stage=draft`. Raises `MalformedError`."""
    values = values_of(fields, _NAME)
    pairs = [*_pairs(values)] if values else []
    if not pairs:
        return {}
    try:
        labels = _LABELS.validate_python(dict(pairs))
    except ValidationError:
        raise _malformed() from None
    if len(labels) != len(pairs) or _size_of(labels) > _MOST_BYTES:
        raise _malformed()
    return labels


def laid_together(*labels: dict[str, str], room_bytes: int) -> dict[str, str]:
    """Lay labels together, those of the most weight first.

    Of one name the first holds, and what finds no room in a record is left out.
    """
    together: dict[str, str] = {}
    for each in labels:
        wider = each | together
        if _size_of(wider) <= room_bytes:
            together = wider
    return together


def _pairs(values: list[str]) -> Iterator[tuple[str, str]]:
    for value in values:
        for pair in filter(None, map(str.strip, value.split(","))):
            name, equals, text = pair.partition("=")
            if not equals or not pair.isascii():
                raise _malformed()
            yield name.strip(), text.strip()


def _size_of(labels: Mapping[str, str]) -> int:
    return len(json.dumps(labels, ensure_ascii=False).encode())


def _malformed() -> MalformedError:
    return MalformedError(
        "x-ag2trust-labels must be up to 20 labels as in team=research, stage=draft,"
        " each name once, and 1 KiB in all."
    )
