"""Heads of audits in a file: signed, only added to, and read with suspicion."""

import stat
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from shared.audit_chain import AuditHead
from shared.audit_heads import append_heads, newest_heads, read_heads
from shared.contracts.base import Service
from shared.identity import Identity

CREDENTIALS = Identity(b"c" * 32)
OURS = UUID(int=1)
THEIRS = UUID(int=2)
EVIL = Identity(b"e" * 32)
JANUARY = datetime(2026, 1, 31, 23, 59, tzinfo=UTC)
FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)


def _head(position: int, *, at: datetime = JANUARY, org_id: UUID = OURS) -> AuditHead:
    return AuditHead(
        service=Service.CREDENTIALS,
        org_id=org_id,
        position=position,
        hash=bytes([position]) * 32,
        at=at,
    )


def _append(
    folder: Path, *heads: AuditHead, by: Identity = CREDENTIALS, now: datetime = JANUARY
) -> None:
    append_heads(folder, Service.CREDENTIALS, heads, by=by, now=now)


def _read(folder: Path) -> tuple[list[AuditHead], list[str]]:
    heads, bad = read_heads(folder, Service.CREDENTIALS, of=CREDENTIALS.public)
    return heads, [f"{line.file.name}:{line.number}" for line in bad]


def test_heads_come_back_in_the_order_of_their_writing(tmp_path: Path) -> None:
    _append(tmp_path, _head(1), _head(2))
    _append(tmp_path, _head(3))

    assert _read(tmp_path) == ([_head(1), _head(2), _head(3)], [])


def test_every_month_has_a_file_for_its_owner_alone(tmp_path: Path) -> None:
    _append(tmp_path, _head(1))
    _append(tmp_path, _head(2, at=FEBRUARY), now=FEBRUARY)

    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == [
        "credentials-2026-01.jsonl",
        "credentials-2026-02.jsonl",
    ]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert _read(tmp_path) == ([_head(1), _head(2, at=FEBRUARY)], [])


def test_nothing_to_keep_is_no_file(tmp_path: Path) -> None:
    _append(tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_head_that_another_signed_is_named_and_not_believed(tmp_path: Path) -> None:
    _append(tmp_path, _head(1))
    _append(tmp_path, _head(2), by=EVIL)

    assert _read(tmp_path) == ([_head(1)], ["credentials-2026-01.jsonl:2"])


def test_a_changed_line_is_named_and_not_believed(tmp_path: Path) -> None:
    _append(tmp_path, _head(1), _head(2))
    [file] = tmp_path.iterdir()
    first, second = file.read_text().splitlines()

    file.write_text(f"{first[:60]}A{first[61:]}\n{second}\n")

    assert _read(tmp_path) == ([_head(2)], ["credentials-2026-01.jsonl:1"])


@pytest.mark.parametrize("left", ['{"signer"', "\0\0\0"])
def test_what_a_crash_left_spoils_no_later_line(tmp_path: Path, left: str) -> None:
    _append(tmp_path, _head(1))
    [file] = tmp_path.iterdir()
    with file.open("a") as half:
        half.write(left)

    _append(tmp_path, _head(2))

    assert _read(tmp_path) == ([_head(1), _head(2)], ["credentials-2026-01.jsonl:2"])


def test_heads_of_other_services_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "gateway-2026-01.jsonl").write_text("something else\n")
    _append(tmp_path, _head(1))

    assert _read(tmp_path) == ([_head(1)], [])


def _newest(folder: Path, *, limit: int) -> tuple[list[AuditHead], list[str]]:
    heads, bad = newest_heads(
        folder, Service.CREDENTIALS, of=CREDENTIALS.public, org_id=OURS, limit=limit
    )
    return heads, [f"{line.file.name}:{line.number}" for line in bad]


def test_the_newest_heads_of_one_organization_are_read_through_the_months(
    tmp_path: Path,
) -> None:
    _append(tmp_path, _head(1), _head(2), _head(9, org_id=THEIRS))
    _append(tmp_path, _head(3, at=FEBRUARY), now=FEBRUARY)

    assert _newest(tmp_path, limit=2) == ([_head(3, at=FEBRUARY), _head(2)], [])


def test_a_line_that_nobody_can_read_may_be_of_every_organization(
    tmp_path: Path,
) -> None:
    _append(tmp_path, _head(1))
    _append(tmp_path, _head(1), by=EVIL)
    _append(tmp_path, _head(1, org_id=THEIRS), by=EVIL)
    with (tmp_path / "credentials-2026-01.jsonl").open("a") as file:
        file.write("half a li")

    assert _newest(tmp_path, limit=10) == (
        [_head(1)],
        ["credentials-2026-01.jsonl:4", "credentials-2026-01.jsonl:2"],
    )
