"""A home belongs to one launcher, and to nobody else's files."""

import os
import stat
from pathlib import Path

import pytest

from ag2trust.errors import HomeUnusableError, TakenError
from ag2trust.home import open_home


def test_a_new_home_is_for_its_owner_alone(tmp_path: Path) -> None:
    with open_home(tmp_path / "home") as home:
        folders = [home.folder, home.data, home.keys, home.logs]

        assert {stat.S_IMODE(each.stat().st_mode) for each in folders} == {0o700}


def test_a_second_launcher_is_told_who_has_the_home(tmp_path: Path) -> None:
    with (
        open_home(tmp_path / "home"),
        pytest.raises(TakenError, match=f"process {os.getpid()}"),
        open_home(tmp_path / "home"),
    ):
        pass


def test_a_home_opens_again_once_it_is_closed(tmp_path: Path) -> None:
    with open_home(tmp_path / "home") as first:
        pass

    with open_home(tmp_path / "home") as again:
        assert again == first


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")

    with pytest.raises(HomeUnusableError, match="something else"), open_home(tmp_path):
        pass

    assert [each.name for each in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_home_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    with open_home(tmp_path / "home") as home:
        home.version.write_text("2\n")

    with (
        pytest.raises(HomeUnusableError, match="version 2, made by a newer"),
        open_home(tmp_path / "home"),
    ):
        pass


def test_a_home_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with (
        pytest.raises(HomeUnusableError, match=r"Not a directory.*AG2TRUST_HOME"),
        open_home(tmp_path / "file" / "home"),
    ):
        pass
