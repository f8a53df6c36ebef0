"""What ran before: the sources of an older revision of the repository, beside ours."""

import os
import subprocess
from pathlib import Path

__all__ = ["older_sources", "revision_before"]

_REPOSITORY = Path(__file__).resolve().parents[2]
_SOURCES = (
    "shared/src",
    *(
        f"services/{each}/src"
        for each in ("agent-runner", "credentials", "gateway", "metrics")
    ),
)
_MIGRATIONS = "services/*/src/*/migrations/*.sql"
_RELEASES = "v[0-9]*"
_CHOSEN = "AG2TRUST_TEST_UPGRADE_FROM"


def revision_before(repository: Path = _REPOSITORY) -> str:
    """Return what an upgrade begins at: as told, the last release, or the last schema.

    `AG2TRUST_TEST_UPGRADE_FROM` tells any revision. Without one it is the highest
    version that is tagged before HEAD (docs/releasing.md), and without a tag the
    revision before the newest migration. Raise `AssertionError` where the repository
    does not hold it, as a shallow clone may not.
    """
    revision = (
        os.environ.get(_CHOSEN)
        or _last_release(repository)
        or _before_newest_migration(repository)
    )
    assert _holds(repository, revision), (
        f"{repository} does not hold {revision}: fetch its history "
        f"(git fetch --unshallow --tags), or name a revision in {_CHOSEN}."
    )
    return revision


def older_sources(revision: str, folder: Path, repository: Path = _REPOSITORY) -> str:
    """Write the sources of *revision* below *folder*; return them as a `PYTHONPATH`."""
    folder.mkdir()
    packed = folder / "sources.tar"
    _git(repository, "archive", "--output", str(packed), revision, *_SOURCES)
    _run("tar", "--extract", "--file", str(packed), "--directory", str(folder))
    return os.pathsep.join(str(folder / each) for each in _SOURCES)


def _last_release(repository: Path) -> str | None:
    before = ("--merged", "HEAD", "--no-contains", "HEAD")
    ordered = ("--list", _RELEASES, "--sort=-version:refname")
    return next(iter(_git(repository, "tag", *before, *ordered).split()), None)


def _before_newest_migration(repository: Path) -> str:
    added = ("--diff-filter=A", "--", _MIGRATIONS)
    return f"{_git(repository, 'log', '-1', '--format=%H', *added).strip()}^"


def _holds(repository: Path, revision: str) -> bool:
    asked = ("rev-parse", "--quiet", "--verify", f"{revision}^{{commit}}")
    return _done("git", "-C", str(repository), *asked).returncode == 0


def _git(repository: Path, *arguments: str) -> str:
    return _run("git", "-C", str(repository), *arguments)


def _run(*command: str) -> str:
    done = _done(*command)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


def _done(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own words
        command, capture_output=True, text=True, check=False
    )
