"""Whether what a tool would send out holds a secret of the agent.

As it is, and as the usual encodings of a URL, a form, JSON and Basic credentials have
it. This guards against accidents and plain requests; who encodes a secret in a way of
their own gets it past.
"""

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Collection, Iterator
from urllib.parse import unquote

__all__ = ["holds_secret"]

_SHORTEST = 8
_MOST_UNQUOTED = 3
_URL_SAFE = str.maketrans("+/", "-_")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")


def holds_secret(texts: Collection[str], secrets: Collection[str]) -> bool:
    """Say whether one of *texts* holds one of *secrets*; those are printable ASCII.

    What is shorter than eight characters hides nothing, and would refuse everything.
    """
    sought = [each for each in secrets if len(each) >= _SHORTEST]
    return any(
        secret in reading
        for text in texts
        for reading in _readings(text)
        for secret in sought
    )


def _readings(text: str) -> Iterator[str]:
    for unquoted in _unquoted(text):
        yield unquoted
        for word in _BASE64.findall(unquoted):
            yield from _from_base64(word)
    try:
        yield json.dumps(json.loads(text), ensure_ascii=False)
    except (ValueError, RecursionError):
        return


def _unquoted(text: str) -> Iterator[str]:
    """Give the text, and what is left of it once its percent signs are read."""
    for _ in range(_MOST_UNQUOTED):
        yield text
        if (plain := unquote(text)) == text:
            return
        text = plain
    yield text


def _from_base64(word: str) -> Iterator[str]:
    plain = word.rstrip("=")
    padded = plain + "=" * (-len(plain) % 4)
    try:
        yield urlsafe_b64decode(padded.translate(_URL_SAFE)).decode("latin-1")
    except ValueError:
        return
