"""What docs/operations.md has people type may be typed again, and loses no key."""

import re
import subprocess
from pathlib import Path

import pytest

OPERATIONS = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
FENCE = re.compile(r"```sh\n(.*?)```", re.DOTALL)
COMPOSED_SHELL = re.compile(r"run --rm keys sh -c '(.*?)'\n", re.DOTALL)
ROTATE = "Rotate the master key"


def fences(title: str, *, level: str = "##") -> list[str]:
    section = OPERATIONS.split(f"\n{level} {title}\n")[1].split(f"\n{level} ")[0]
    return FENCE.findall(section)


def retiring(folder: Path) -> list[str]:
    """Return both ways to retire the master key in *folder*."""
    local = fences(ROTATE)[0].replace(".ag2trust/keys", str(folder))
    [composed] = COMPOSED_SHELL.findall(fences(ROTATE, level="###")[0])
    return [local, composed.replace("/ag2trust/master-key", str(folder))]


def typed(lines: str, folder: Path) -> int:
    """Run *lines* as a terminal does, where a line that fails stops no other."""
    told = subprocess.run(  # noqa: S603 - our own document
        ["/bin/sh", "-c", lines], cwd=folder, check=False, capture_output=True
    )
    return told.returncode


def keys_in(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.mark.parametrize("way", [0, 1])
def test_a_master_key_is_retired_and_another_takes_its_place(
    tmp_path: Path, way: int
) -> None:
    (tmp_path / "master.key").write_text("old")

    code = typed(retiring(tmp_path)[way], tmp_path)

    kept = keys_in(tmp_path)
    new = kept.pop("master.key")
    assert (code, kept) == (0, {"retired-1.key": "old"})
    assert re.fullmatch(r"[0-9a-f]{64}\n", new)
    assert (tmp_path / "master.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("way", [0, 1])
def test_a_key_that_was_retired_before_is_not_overwritten(
    tmp_path: Path, way: int
) -> None:
    (tmp_path / "master.key").write_text("second")
    (tmp_path / "retired-1.key").write_text("first")

    code = typed(retiring(tmp_path)[way], tmp_path)

    assert code != 0
    assert keys_in(tmp_path) == {"master.key": "second", "retired-1.key": "first"}


def test_keys_that_are_copied_again_are_those_of_now(tmp_path: Path) -> None:
    keys = tmp_path / ".ag2trust" / "keys"
    keys.mkdir(parents=True)
    [copy] = [line for line in fences("Back up")[0].splitlines() if "cp " in line]

    for each in ("old", "new"):
        (keys / "master.key").write_text(each)
        typed(copy, tmp_path)

    assert keys_in(tmp_path / "keys-elsewhere") == {"master.key": "new"}
