"""A composed installation's volumes become a backup, and a backup volumes again."""

import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import IO

import pytest

from ag2trust.backup import DUMP
from ag2trust.composed_backup import back_up, restore, write_heads, write_keys
from ag2trust.errors import (
    BackupUnusableError,
    HomeUnusableError,
    NoInstallationError,
)
from ag2trust.provision import make_keys
from shared.contracts.base import Service

from .deployed import OWNERS

HEADS = '{"head": 1}\n{"head": 2}\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Provide volumes with a head of the audit on its way, and a call in the spool."""
    made = tmp_path / "made"
    make_keys(made, OWNERS)
    (made / "audit" / "credentials.jsonl").write_text(f'{HEADS}{{"hea')
    spool = made / "agent-runner-state" / "spool"
    spool.mkdir()
    (spool / "00000001.segment").write_bytes(b"a call")
    (spool / "spool.id").write_bytes(b"an id")
    return made


def tar_of(**members: bytes) -> BytesIO:
    target = BytesIO()
    with tarfile.open(fileobj=target, mode="w|") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, BytesIO(content))
    return BytesIO(target.getvalue())


def keys_of(root: Path) -> bytes:
    target = BytesIO()
    write_keys(root, target)
    return target.getvalue()


def backup_of(root: Path, dump: bytes = b"a dump") -> bytes:
    heads, target = BytesIO(), BytesIO()
    write_heads(root, heads)
    given = {DUMP: dump}
    with tarfile.open(fileobj=BytesIO(heads.getvalue())) as archive:
        for member in archive:
            if content := archive.extractfile(member):
                given[member.name] = content.read()
    back_up(root, tar_of(**given), target)
    return target.getvalue()


def restored(root: Path, backup: bytes, keys: bytes) -> bytes:
    target = BytesIO()
    restore(root, tar_of(**{"backup": backup, "keys.tar": keys}), target)
    return target.getvalue()


def files_in(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def test_what_was_backed_up_is_there_again(root: Path, tmp_path: Path) -> None:
    backup, keys = backup_of(root), keys_of(root)

    dump = restored(tmp_path / "empty", backup, keys)
    make_keys(tmp_path / "empty", OWNERS)

    before, after = files_in(root), files_in(tmp_path / "empty")
    assert dump == b"a dump"
    assert before.keys() - after.keys() == {"vault/api-key"}
    assert {name for name in after if after[name] != before[name]} == {
        "audit/credentials.jsonl"
    }
    assert after["audit/credentials.jsonl"].decode() == HEADS


def test_no_key_is_in_a_backup(root: Path) -> None:
    secrets = [
        path.read_bytes().strip() for path in (root / "vault" / "keys").glob("*.nkey")
    ] + [(root / "master-key" / "master.key").read_bytes().strip()]

    with tarfile.open(fileobj=BytesIO(backup_of(root))) as archive:
        content = b"".join(
            file.read() for each in archive if (file := archive.extractfile(each))
        )

    assert len(secrets) == len(Service) + 1
    assert [each for each in secrets if each in content] == []


def test_an_installation_that_has_keys_is_left_alone(root: Path) -> None:
    backup, keys, before = backup_of(root), keys_of(root), files_in(root)

    with pytest.raises(HomeUnusableError, match="restored into nothing else"):
        restored(root, backup, keys)

    assert files_in(root) == before


def test_other_keys_are_refused_and_nothing_is_made(root: Path, tmp_path: Path) -> None:
    make_keys(tmp_path / "other", OWNERS)
    other = keys_of(tmp_path / "other")

    with pytest.raises(BackupUnusableError, match="Nothing else opens its credentials"):
        restored(tmp_path / "empty", backup_of(root), other)

    assert files_in(tmp_path / "empty") == {}


def test_a_backup_that_was_cut_short_is_refused_and_nothing_is_made(
    root: Path, tmp_path: Path
) -> None:
    backup = backup_of(root)

    with pytest.raises(BackupUnusableError, match="no whole backup"):
        restored(tmp_path / "empty", backup[: len(backup) // 2], keys_of(root))

    assert files_in(tmp_path / "empty") == {}


def test_a_retired_master_key_goes_with_the_keys(root: Path, tmp_path: Path) -> None:
    (root / "master-key" / "retired-1.key").write_text("ab" * 32)

    restored(tmp_path / "empty", backup_of(root), keys_of(root))

    kept = tmp_path / "empty" / "master-key" / "retired-1.key"
    assert kept.read_text() == "ab" * 32


@pytest.mark.parametrize("write", [write_heads, write_keys])
def test_where_no_installation_is_nothing_is_written_and_it_is_said(
    tmp_path: Path, write: Callable[[Path, IO[bytes]], None]
) -> None:
    target = BytesIO()

    with pytest.raises(NoInstallationError, match="no installation in these volumes"):
        write(tmp_path, target)

    assert (target.getvalue(), [*tmp_path.iterdir()]) == (b"", [])
