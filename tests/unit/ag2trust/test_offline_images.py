"""`make images` builds what has changed, and only that: played with no engine."""

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
COPIED = (".dockerignore", "docker-compose.yml", "deploy/images/offline.sh")
SOURCE = Path("shared/src/shared/ids.py")
DOCKER = """#!/bin/sh
case "$*" in
"image inspect"*) cat ids ;;
"compose build") echo build >>builds ;;
esac
"""


@dataclass(frozen=True, slots=True)
class Clone:
    """A clone with few files, whose `docker` only writes down that it was to build."""

    folder: Path

    def write(self, path: Path | str, text: str = "") -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def builds(self) -> int:
        """Make the images; return how often they were built until now."""
        subprocess.run(  # noqa: S603 - our own script
            [self.folder / "deploy/images/offline.sh"],
            env={"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}"},
            capture_output=True,
            check=True,
        )
        return len((self.folder / "builds").read_text().splitlines())


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    clone = Clone(tmp_path)
    for each in COPIED:
        clone.write(each, (REPOSITORY / each).read_text())
    for folder in ("deploy/local", "services/gateway/dashboard/dist"):
        clone.write(f"{folder}/index.html")
    clone.write(SOURCE, "one")
    clone.write("deploy/images/wheels/locks", _checksum(tmp_path, "locked"))
    clone.write("ids", "sha256:1")
    clone.write("bin/docker", DOCKER)
    for program in ("bin/docker", "deploy/images/offline.sh"):
        (tmp_path / program).chmod(0o755)
    return clone


def test_what_has_not_changed_is_built_once(clone: Clone) -> None:
    assert [clone.builds(), clone.builds()] == [1, 1]


@pytest.mark.parametrize(
    "change",
    [
        lambda clone: clone.write(SOURCE, "two"),
        lambda clone: clone.write(SOURCE.with_name("new.py")),
        lambda clone: (clone.folder / SOURCE).chmod(0o755),
        lambda clone: (clone.folder / SOURCE).unlink(),
        lambda clone: clone.write("docker-compose.yml"),
        lambda clone: clone.write("deploy/images/wheels/another.whl"),
        lambda clone: clone.write("services/gateway/dashboard/dist/new.js"),
        lambda clone: clone.write("ids", "sha256:2"),
    ],
    ids=["text", "file", "mode", "gone", "composed", "wheel", "dashboard", "image"],
)
def test_what_has_changed_is_built_again(
    clone: Clone, change: Callable[[Clone], None]
) -> None:
    clone.builds()

    change(clone)

    assert clone.builds() == 2


def test_what_python_compiled_meanwhile_changes_nothing(clone: Clone) -> None:
    clone.builds()

    clone.write(SOURCE.parent / "__pycache__" / "ids.pyc")

    assert clone.builds() == 1


def _checksum(folder: Path, name: str) -> str:
    """Say of a file in *folder* what `sha256sum --check` wants to hear."""
    file = folder / name
    file.touch()
    told = subprocess.run(  # noqa: S603
        ["/usr/bin/sha256sum", file], capture_output=True, text=True, check=True
    )
    return told.stdout
