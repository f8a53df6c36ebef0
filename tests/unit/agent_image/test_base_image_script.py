"""`deploy/base-images/python.sh`, as far as it gets without making an image."""

import shutil
from pathlib import Path

import pytest

from ag2trust.program import ProgramError, run_program

SCRIPT = Path(__file__).resolve().parents[3] / "deploy" / "base-images" / "python.sh"


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Make a folder of the only programs that can be found."""
    bash = shutil.which("bash")
    assert bash is not None
    (tmp_path / "bash").symlink_to(bash)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def add(programs: Path, name: str, text: str) -> None:
    program = programs / name
    program.write_text(f"#!/usr/bin/env bash\n{text}\n")
    program.chmod(0o755)


async def test_an_image_that_is_there_is_left_alone(programs: Path) -> None:
    asked = programs / "asked"
    add(programs, "docker", f'echo "$*" >>"{asked}"')

    await run_program(str(SCRIPT), seconds=10)

    assert asked.read_text() == "image inspect ag2trust/python-base:3.11-bookworm\n"


async def test_what_is_missing_is_named_before_anything_is_done(programs: Path) -> None:
    add(programs, "docker", "exit 1")

    with pytest.raises(ProgramError, match=r"only root|install debootstrap first"):
        await run_program(str(SCRIPT), seconds=10)
