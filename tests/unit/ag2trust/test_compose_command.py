"""Compose is the command that answers, not the one that is merely there."""

from pathlib import Path

import pytest
from tests.compose_command import compose_command

ANSWERS = "#!/bin/sh\nexit 0\n"
KNOWS_NO_COMPOSE = '#!/bin/sh\necho "docker: unknown command: docker $1" >&2\nexit 1\n'


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only folder that programs are looked for in."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def put(program: Path, script: str) -> None:
    program.write_text(script)
    program.chmod(0o755)


def test_the_plugin_comes_first(programs: Path) -> None:
    put(programs / "docker", ANSWERS)
    put(programs / "docker-compose", ANSWERS)

    assert compose_command() == ("docker", "compose")


def test_a_docker_without_the_plugin_leaves_the_program(programs: Path) -> None:
    put(programs / "docker", KNOWS_NO_COMPOSE)
    put(programs / "docker-compose", ANSWERS)

    assert compose_command() == ("docker-compose",)


def test_a_program_that_fails_is_none(programs: Path) -> None:
    put(programs / "docker", KNOWS_NO_COMPOSE)
    put(programs / "docker-compose", KNOWS_NO_COMPOSE)

    with pytest.raises(AssertionError, match="`docker-compose` answers"):
        compose_command()


def test_where_there_is_none_it_is_said(programs: Path) -> None:
    assert not [*programs.iterdir()]

    with pytest.raises(AssertionError, match="install one of them"):
        compose_command()
