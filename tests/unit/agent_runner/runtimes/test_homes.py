import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ag2trust.accounts import unprivileged_account
from agent_runner.runtimes.process.homes import remove_home


@contextmanager
def unprivileged() -> Iterator[None]:
    """Be someone whom the modes of folders keep out, which root is not."""
    account = unprivileged_account()
    if account is None:
        yield
        return
    os.seteuid(account.uid)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def homes() -> Iterator[Path]:
    """Make a folder of whoever `unprivileged` is, on a way that is open to all."""
    with TemporaryDirectory() as folder:
        if account := unprivileged_account():
            account.own(Path(folder))
        yield Path(folder)


@pytest.mark.parametrize("mode", [0o500, 0o400, 0o000])
def test_a_home_goes_whatever_its_folders_forbid(homes: Path, mode: int) -> None:
    with unprivileged():
        home = homes / "home"
        packages = home / "modules" / "package"
        packages.mkdir(parents=True)
        (packages / "file").write_text("read only")
        for folder in (packages, packages.parent, home):
            folder.chmod(mode)

        remove_home(home)

        assert not home.exists()


def test_what_a_link_leads_to_stays_as_it_is(homes: Path) -> None:
    with unprivileged():
        outside, home = homes / "outside", homes / "home"
        outside.mkdir(mode=0o500)
        home.mkdir()
        (home / "link").symlink_to(outside)

        remove_home(home)

        assert not home.exists()
        assert outside.stat().st_mode & 0o777 == 0o500


def test_a_home_that_is_not_there_is_no_failure(homes: Path) -> None:
    remove_home(homes / "home")
