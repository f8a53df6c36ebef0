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
_CHOSEN = "AG2TRUST_TEST_UPGRADE_FROM"


def revision_before() -> str:
    """Return what an upgrade begins at: as told, the last release, or the last schema.

    `AG2TRUST_TEST_UPGRADE_FROM` tells any revision. Without one, and without a tag, it
    is the one before the newest migration.
    """
    if chosen := os.environ.get(_CHOSEN):
        return chosen
    if released := _git("tag", "--merged", "HEAD^", "--sort=-creatordate").split():
        return released[0]
    newest = _git("log", "-1", "--format=%H", "--diff-filter=A", "--", _MIGRATIONS)
    return f"{newest.strip()}^"


def older_sources(revision: str, folder: Path) -> str:
    """Write the sources of *revision* below *folder*; return them as a `PYTHONPATH`."""
    folder.mkdir()
    packed = folder / "sources.tar"
    _git("archive", "--output", str(packed), revision, *_SOURCES)
    _run("tar", "--extract", "--file", str(packed), "--directory", str(folder))
    return os.pathsep.join(str(folder / each) for each in _SOURCES)


def _git(*arguments: str) -> str:
    return _run("git", "-C", str(_REPOSITORY), *arguments)


def _run(*command: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own words
        command, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout
