"""An upgrade begins at the last release, or at the schema before the newest."""

import subprocess
from pathlib import Path

import pytest

from .older import older_sources, revision_before

PROGRAM = "services/gateway/src/gateway/program.py"
MIGRATION = "services/gateway/src/gateway/migrations/000{}_more.sql"
SOURCES = ("agent-runner", "credentials", "gateway", "metrics")


class Repository:
    """A history of our layout: each commit says its name in the gateway's program."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        for each in ("shared/src", *(f"services/{it}/src" for it in SOURCES)):
            self._write(f"{each}/kept", "")

    def commit(self, name: str, *, migration: int | None = None) -> None:
        self._write(PROGRAM, name)
        if migration:
            self._write(MIGRATION.format(migration), "SELECT 1")
        self.git("add", ".")
        self.git("commit", "--quiet", "--message", name)

    def git(self, *arguments: str) -> None:
        somebody = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        unsigned = ("-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false")
        subprocess.run(  # noqa: S603 - our own words
            ["git", "-C", self.folder, *somebody, *unsigned, *arguments],  # noqa: S607
            check=True,
        )

    def _write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """Return two schemas, and a change after the second."""
    monkeypatch.delenv("AG2TRUST_TEST_UPGRADE_FROM", raising=False)
    made = Repository(tmp_path / "repository")
    made.commit("first schema", migration=1)
    made.commit("before the second")
    made.commit("second schema", migration=2)
    made.commit("after it")
    return made


def begun_at(repository: Repository, tmp_path: Path) -> str:
    """Return the name of the commit whose sources an upgrade would begin with."""
    folder = tmp_path / "older"
    revision = revision_before(repository.folder)
    paths = older_sources(revision, folder, repository.folder).split(":")
    assert str(folder / "services/gateway/src") in paths
    return (folder / PROGRAM).read_text()


def test_without_a_release_it_is_the_schema_before(
    repository: Repository, tmp_path: Path
) -> None:
    assert begun_at(repository, tmp_path) == "before the second"


def test_with_a_release_it_is_that(repository: Repository, tmp_path: Path) -> None:
    repository.commit("released")
    repository.git("tag", "v0.1.0")
    repository.commit("after the release", migration=3)
    repository.commit("more")

    assert begun_at(repository, tmp_path) == "released"


def test_of_releases_it_is_the_highest_version(
    repository: Repository, tmp_path: Path
) -> None:
    repository.commit("ninth")
    repository.git("tag", "v0.9.0")
    repository.commit("tenth")
    repository.git("tag", "--annotate", "v0.10.0", "--message", "Ag2Trust 0.10.0")
    repository.commit("more")

    assert begun_at(repository, tmp_path) == "tenth"


def test_what_is_tagged_now_is_upgraded_to(
    repository: Repository, tmp_path: Path
) -> None:
    repository.git("tag", "v0.1.0")
    repository.commit("next")
    repository.git("tag", "v0.2.0")

    assert begun_at(repository, tmp_path) == "after it"


def test_a_tag_of_no_version_is_no_release(
    repository: Repository, tmp_path: Path
) -> None:
    repository.git("tag", "nightly")
    repository.commit("more")

    assert begun_at(repository, tmp_path) == "before the second"


def test_any_revision_can_be_told(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.git("tag", "v0.1.0")
    repository.commit("more")
    monkeypatch.setenv("AG2TRUST_TEST_UPGRADE_FROM", "HEAD~4")

    assert begun_at(repository, tmp_path) == "first schema"


def test_a_clone_without_history_is_told_how_to_have_it(
    repository: Repository, tmp_path: Path
) -> None:
    shallow = tmp_path / "shallow"
    origin = repository.folder.as_uri()
    repository.git("clone", "--quiet", "--depth=1", origin, str(shallow))

    with pytest.raises(AssertionError, match="git fetch --unshallow --tags"):
        revision_before(shallow)


def test_what_is_told_wrong_is_said(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AG2TRUST_TEST_UPGRADE_FROM", "v9.9.9")

    with pytest.raises(AssertionError, match=r"does not hold v9\.9\.9"):
        revision_before(repository.folder)
