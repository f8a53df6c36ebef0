"""The way to PostgreSQL's data is opened no wider than needed."""

import stat
from pathlib import Path

from ag2trust.accounts import let_through


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_the_permission_to_pass_is_added(tmp_path: Path) -> None:
    private, shared = tmp_path / "private", tmp_path / "private" / "shared"
    private.mkdir(mode=0o700)
    shared.mkdir(mode=0o755)

    changed = let_through(shared / "data")

    assert _mode(private) == 0o701
    assert _mode(shared) == 0o755
    assert private in changed
    assert shared not in changed


def test_a_way_that_is_open_is_left_as_it_is(tmp_path: Path) -> None:
    let_through(tmp_path / "data")

    assert let_through(tmp_path / "data") == []
