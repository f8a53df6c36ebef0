"""What is refused as a backup, and that a refusal says why."""

import tarfile
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest

from ag2trust.backup_file import FORMAT, Manifest, pack, sha256_of, unpack
from ag2trust.errors import BackupUnusableError

MADE_AT = datetime(2026, 1, 2, tzinfo=UTC)


def manifest(sha256: dict[str, str], *, form: int = FORMAT) -> Manifest:
    return Manifest(
        format=form,
        product="0.1.0",
        made_at=MADE_AT,
        installation="local-1",
        master_key="local:1",
        credentials_identity="U",
        sha256=sha256,
    )


def written(path: Path, about: Manifest, **members: bytes) -> Path:
    """Write an archive as somebody else might: whatever is in it."""
    told = {"manifest.json": about.model_dump_json().encode(), **members}
    with tarfile.open(path, "w:gz") as archive:
        for name, content in told.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, BytesIO(content))
    return path


def test_what_was_packed_is_unpacked(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "spool").mkdir(parents=True)
    (folder / "spool" / "1").write_bytes(b"one")
    about = manifest({"spool/1": sha256_of(folder / "spool" / "1")})

    pack(folder, about, tmp_path / "file")
    found = unpack(tmp_path / "file", tmp_path / "there")

    assert found == about
    assert (tmp_path / "there" / "spool" / "1").read_bytes() == b"one"


def test_a_file_that_was_changed_is_named(tmp_path: Path) -> None:
    file = written(tmp_path / "file", manifest({"dump": "0" * 64}), dump=b"changed")

    with pytest.raises(BackupUnusableError, match=r"^dump in the backup .* differs"):
        unpack(file, tmp_path / "there")


@pytest.mark.parametrize("name", ["../escaped", "/escaped", "a/../../escaped"])
def test_no_file_is_written_elsewhere(tmp_path: Path, name: str) -> None:
    file = written(tmp_path / "file", manifest({name: "0" * 64}), **{name: b""})

    with pytest.raises(BackupUnusableError, match="has a file of the name"):
        unpack(file, tmp_path / "there")

    assert not (tmp_path / "escaped").exists()


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path / "file", manifest({}, form=FORMAT + 1))

    with pytest.raises(BackupUnusableError, match=r"this one reads format 1\. Update"):
        unpack(file, tmp_path / "there")


@pytest.mark.parametrize("content", [b"", b"hello", b"\x1f\x8b\x08"])
def test_something_else_is_no_backup(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)

    with pytest.raises(BackupUnusableError, match="is no whole backup"):
        unpack(file, tmp_path / "there")


def test_a_file_that_is_missing_is_no_whole_backup(tmp_path: Path) -> None:
    file = written(tmp_path / "file", manifest({"dump": "0" * 64}))

    with pytest.raises(BackupUnusableError, match="is no whole backup"):
        unpack(file, tmp_path / "there")
