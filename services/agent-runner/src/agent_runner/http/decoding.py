"""Undoing a compression that nobody asked for, without ever inflating much at once."""

import zlib
from typing import Final

from .errors import MalformedAnswerError

__all__ = ["Decoding", "decoding_of"]

_MOST_AT_ONCE_BYTES: Final = 256 * 1024
_GZIP = 16 + zlib.MAX_WBITS
_ZLIB = zlib.MAX_WBITS
_WINDOWS = {b"gzip": _GZIP, b"x-gzip": _GZIP, b"deflate": _ZLIB}


class Decoding:
    """A body that is compressed, read piece by piece."""

    def __init__(self, window: int) -> None:
        self._inflating = zlib.decompressobj(window)

    @property
    def has_more(self) -> bool:
        """Whether what was fed can give more without being fed again."""
        return bool(self._inflating.unconsumed_tail)

    @property
    def is_whole(self) -> bool:
        return self._inflating.eof

    def feed(self, data: bytes) -> bytes:
        """Give the next 256 KiB at most; raises `MalformedAnswerError`."""
        try:
            return self._inflating.decompress(
                self._inflating.unconsumed_tail + data, _MOST_AT_ONCE_BYTES
            )
        except zlib.error:
            raise MalformedAnswerError("the body is not as it is encoded") from None


def decoding_of(content_encoding: bytes) -> Decoding | None:
    """Choose by the field; raises `MalformedAnswerError` for what is not known."""
    coding = content_encoding.lower()
    if coding in {b"", b"identity"}:
        return None
    if coding not in _WINDOWS:
        raise MalformedAnswerError("the body is encoded in a way that was not asked")
    return Decoding(_WINDOWS[coding])
