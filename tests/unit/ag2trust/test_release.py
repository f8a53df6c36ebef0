"""One version in all places, told in CHANGELOG.md and by the tag of its commit."""

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
CHANGELOG = (REPOSITORY / "CHANGELOG.md").read_text()
MEMBERS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["uv"][
    "workspace"
]["members"]
NAMES_OF_IMAGES = (
    "docker-compose.yml",
    "docs/kubernetes.md",
    *(
        f"deploy/kubernetes/{it.name}"
        for it in (REPOSITORY / "deploy/kubernetes").iterdir()
    ),
)
IMAGE = re.compile(r"\bag2trust/[a-z-]+:(\d\S*?)(?=[\s\"'}]|$)", re.MULTILINE)


def versions() -> Iterator[tuple[str, str]]:
    """Yield each place that tells the version, with what it tells."""
    for member in MEMBERS:
        project = tomllib.loads((REPOSITORY / member / "pyproject.toml").read_text())
        yield member, project["project"]["version"]
    for path in NAMES_OF_IMAGES:
        for told in IMAGE.findall((REPOSITORY / path).read_text()):
            yield path, told
    description = json.loads((REPOSITORY / "docs/api/openapi.json").read_text())
    yield "docs/api/openapi.json", description["info"]["version"]


def refused(version: str, changelog: str, tags: list[str]) -> str | None:
    """Return what is wrong with a commit of *version* that has *tags*."""
    first, *released = re.findall(r"^## \[(\S+)\]", changelog, re.MULTILINE)
    if first != "Unreleased":
        return "CHANGELOG.md begins with what is unreleased"
    if released and released[0] != version:
        return f"CHANGELOG.md was released as {released[0]}"
    if not tags:
        return None
    if tags != [f"v{version}"]:
        return f"{version} is tagged {' '.join(tags)}"
    return None if released else f"CHANGELOG.md knows nothing of {version}"


def tags_of_this_commit() -> list[str]:
    """Return none where no repository is, as in an archive of the sources."""
    asked = ["git", "-c", "safe.directory=*", "-C", str(REPOSITORY), "tag"]
    told = subprocess.run(  # noqa: S603 - our own words
        [*asked, "--points-at", "HEAD", "--list", "v[0-9]*"],
        check=False,
        capture_output=True,
        text=True,
    )
    return told.stdout.split()


def test_all_places_tell_one_version() -> None:
    places = [*versions()]

    assert {place for place, _ in places} >= {*MEMBERS, "docker-compose.yml"}
    assert len({version for _, version in places}) == 1, places


def test_this_commit_may_be_released_as_what_it_says() -> None:
    _, version = next(versions())

    assert refused(version, CHANGELOG, tags_of_this_commit()) is None


UNRELEASED = "# Changelog\n\n## [Unreleased]\n"
RELEASED = f"{UNRELEASED}\n## [0.2.0] - 2026-12-24\n\n## [0.1.0] - 2026-11-30\n"


@pytest.mark.parametrize(
    ("version", "changelog", "tags"),
    [
        ("0.1.0", UNRELEASED, []),
        ("0.2.0", RELEASED, []),
        ("0.2.0", RELEASED, ["v0.2.0"]),
    ],
)
def test_what_agrees_is_not_refused(
    version: str, changelog: str, tags: list[str]
) -> None:
    assert refused(version, changelog, tags) is None


@pytest.mark.parametrize(
    ("version", "changelog", "tags", "why"),
    [
        ("0.1.0", UNRELEASED, ["v0.1.0"], "knows nothing of 0.1.0"),
        ("0.2.0", RELEASED, ["v0.3.0"], "is tagged v0.3.0"),
        ("0.2.0", RELEASED, ["v0.1.0", "v0.2.0"], "is tagged v0.1.0 v0.2.0"),
        ("0.3.0", RELEASED, [], "was released as 0.2.0"),
        ("0.2.0", RELEASED.replace(UNRELEASED, ""), [], "what is unreleased"),
    ],
)
def test_what_disagrees_is_refused(
    version: str, changelog: str, tags: list[str], why: str
) -> None:
    assert why in str(refused(version, changelog, tags))
