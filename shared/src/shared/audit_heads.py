"""Signed heads of audits, kept in a folder outside the database.

A file a month, `<service>-<year>-<month>.jsonl`, that is only ever added to; each line
is an `AuditHead` signed by the service (`Signed`, as JSON). Copy the folder to where an
intruder cannot reach it: what is written there can be denied no more.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from pydantic import ValidationError

from .audit_chain import AuditHead
from .contracts.base import Service, Signed
from .identity import Identity, PublicIdentity
from .signing import SignatureBrokenError, sign, verify

__all__ = [
    "BadLine",
    "append_heads",
    "make_head_folder",
    "newest_heads",
    "read_heads",
]

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
    return _read(_oldest_first(folder, service), of)


def newest_heads(
    folder: Path, service: Service, *, of: PublicIdentity, org_id: UUID, limit: int
) -> tuple[list[AuditHead], list[BadLine]]:
    """Read at most *limit* heads of one organization, and what among them is unsigned.

    Only lines that may be of *org_id* are verified, which is what takes time. A line
    that cannot be read may be anybody's.
    """
    found = (
        each
        for each in _newest_first(folder, service)
        if _claimed(each.text) in {None, org_id}
    )
    return _read(islice(found, limit), of)


@dataclass(frozen=True, slots=True)
class _Line:
    file: Path
    number: int
    text: str


def _read(
    lines: Iterable[_Line], of: PublicIdentity
) -> tuple[list[AuditHead], list[BadLine]]:
    heads, bad = [], []
    for line in lines:
        try:
            signed = Signed.model_validate_json(line.text)
            heads.append(verify(signed, AuditHead, purpose=_PURPOSE, of=of))
        except (ValidationError, SignatureBrokenError):
            bad.append(BadLine(line.file, line.number))
    return heads, bad


def _claimed(text: str) -> UUID | None:
    """Tell whose head a line says that it is, whoever signed it."""
    try:
        signed = Signed.model_validate_json(text)
        return AuditHead.model_validate_json(signed.body).org_id
    except ValidationError:
        return None


def _line_end_owed(file: BinaryIO) -> bytes:
    """Return the end of a line that a crash left without one."""
    if file.seek(0, os.SEEK_END) == 0:
        return b""
    file.seek(-1, os.SEEK_END)
    return b"" if file.read(1) == b"\n" else b"\n"


def _oldest_first(folder: Path, service: Service) -> Iterator[_Line]:
    for path in _files(folder, service):
        yield from _lines(path)


def _newest_first(folder: Path, service: Service) -> Iterator[_Line]:
    for path in reversed(_files(folder, service)):
        yield from reversed(list(_lines(path)))


def _files(folder: Path, service: Service) -> list[Path]:
    return sorted(folder.glob(f"{service}-*.jsonl"))


def _lines(path: Path) -> Iterator[_Line]:
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, text in enumerate(file, start=1):
            yield _Line(path, number, text)
