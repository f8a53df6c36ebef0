"""Looking for texts wherever a machine keeps things, however they are written down."""

import base64
import os
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .processes import Process, every_process

__all__ = ["BLOCK_BYTES", "Needle", "files_with", "processes_with"]

BLOCK_BYTES = 2**20  # no more than a cache holds: each is looked through many times
_COARSE_CLOCK_SECONDS = 1.0  # a file's times lag behind `time.time`
_BASE64_BITS, _BYTE_BITS = 6, 8


@dataclass(frozen=True, slots=True)
class Needle:
    """A text, in every form in which it could be found: none is empty or very long."""

    forms: Mapping[str, bytes]

    @classmethod
    def of(cls, text: str) -> "Needle":
        plain = text.encode()
        return cls(
            {
                "UTF-8": plain,
                "UTF-16": text.encode("utf-16-le")[:-1],  # in both byte orders
                "hexadecimal": plain.hex().encode(),
                "HEXADECIMAL": plain.hex().upper().encode(),
                **{f"base64, {n} before": _base64(plain, n) for n in range(3)},
            }
        )

    @classmethod
    def as_written(cls, text: str) -> "Needle":
        """Look for one form only: enough to tell where a text is."""
        return cls({"UTF-8": text.encode()})

    @property
    def longest(self) -> int:
        return max(map(len, self.forms.values()))

    def is_in(self, content: bytes) -> bool:
        return any(form in content for form in self.forms.values())


def files_with(
    needles: Mapping[str, Needle],
    folders: Iterable[Path],
    *,
    since: float,
    passing_by: Collection[Path] = (),
) -> dict[str, set[Path]]:
    """Say in which files below *folders*, but not below *passing_by*, each needle is.

    A file that has not changed *since* (seconds since 1970) cannot hold a text that was
    made later, and is not read. Nor is what we may not read: for all of it, be root.
    """
    found: dict[str, set[Path]] = {name: set() for name in needles}
    overlap = max(needle.longest for needle in needles.values()) - 1
    for path in _changed_files(folders, since - _COARSE_CLOCK_SECONDS, passing_by):
        for content in _blocks(path, overlap):
            for name, needle in needles.items():
                if needle.is_in(content):
                    found[name].add(path)
    return found


def processes_with(needles: Mapping[str, Needle]) -> dict[str, set[Process]]:
    """Say whose environment or command line each needle is in."""
    told = {process: process.told for process in every_process()}
    return {
        name: {process for process, text in told.items() if needle.is_in(text)}
        for name, needle in needles.items()
    }


def _base64(plain: bytes, offset: int) -> bytes:
    """Encode as if *offset* bytes came before: only what neighbours do not change."""
    encoded = base64.b64encode(bytes(offset) + plain)
    first = -(-offset * _BYTE_BITS // _BASE64_BITS)
    last = (offset + len(plain)) * _BYTE_BITS // _BASE64_BITS
    return encoded[first:last]


def _changed_files(
    folders: Iterable[Path], since: float, passing_by: Collection[Path]
) -> Iterator[Path]:
    """Walk regular files; their change time (inode(7)) is nobody's to set back."""
    passed_by = {*map(str, passing_by)}
    for folder in folders:
        for parent, below, names in os.walk(folder):
            below[:] = [it for it in below if f"{parent}/{it}" not in passed_by]
            for path in (f"{parent}/{name}" for name in names):
                with suppress(OSError):
                    status = os.lstat(path)  # of 100 000 files, too many for a `Path`
                    if stat.S_ISREG(status.st_mode) and status.st_ctime >= since:
                        yield Path(path)


def _blocks(path: Path, overlap: int) -> Iterator[bytes]:
    """Read a file that may go at any moment; blocks overlap, so none splits a text.

    No form of a text ends with a zero, as files that are made in advance do at length.
    What cannot be read holds no text: a network namespace, say, is a regular file, too.
    """
    with suppress(OSError), path.open("rb") as file:
        before = b""
        while block := file.read(BLOCK_BYTES):
            yield (before + block).rstrip(b"\0")
            before = block[-overlap:]
