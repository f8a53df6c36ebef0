"""Signed heads of audits, kept in a folder outside the database.

A file a month, `<service>-<year>-<month>.jsonl`, that is only ever added to; each line
is an `AuditHead` signed by the service (`Signed`, as JSON). Copy the folder to where an
intruder cannot reach it: what is written there can be denied no more.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from .audit_chain import AuditHead
from .contracts.base import Service, Signed
from .identity import Identity, PublicIdentity
from .signing import SignatureBrokenError, sign, verify

__all__ = ["BadLine", "append_heads", "make_head_folder", "read_heads"]

_PURPOSE = "ag2trust.v1.audit_head"


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no head signed by the service; a crash can leave one half."""

    file: Path
    number: int

    def __str__(self) -> str:
        return f"{self.file}, line {self.number}: no head signed by this service"


def make_head_folder(folder: Path) -> None:
    """Make *folder* for its owner alone, unless it is there. Raises `OSError`."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def append_heads(
    folder: Path,
    service: Service,
    heads: Sequence[AuditHead],
    *,
    by: Identity,
    now: datetime,
) -> None:
    """Sign *heads* and have them on the disk when it returns. Raises `OSError`."""
    if not heads:
        return
    lines = [sign(head, purpose=_PURPOSE, by=by).model_dump_json() for head in heads]
    text = "".join(f"{line}\n" for line in lines)
    path = folder / f"{service}-{now:%Y-%m}.jsonl"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        file.write(_line_end_owed(file) + text.encode())
        file.flush()
        os.fsync(file.fileno())


def read_heads(
    folder: Path, service: Service, *, of: PublicIdentity
) -> tuple[list[AuditHead], list[BadLine]]:
    """Read all heads of *service*, and what among them *of* did not sign."""
    heads, bad = [], []
    for path in sorted(folder.glob(f"{service}-*.jsonl")):
        for number, line in _lines(path):
            try:
                signed = Signed.model_validate_json(line)
                heads.append(verify(signed, AuditHead, purpose=_PURPOSE, of=of))
            except (ValidationError, SignatureBrokenError):
                bad.append(BadLine(path, number))
    return heads, bad


def _line_end_owed(file: BinaryIO) -> bytes:
    """Return the end of a line that a crash left without one."""
    if file.seek(0, os.SEEK_END) == 0:
        return b""
    file.seek(-1, os.SEEK_END)
    return b"" if file.read(1) == b"\n" else b"\n"


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    with path.open(encoding="utf-8", errors="replace") as file:
        yield from enumerate(file, start=1)
