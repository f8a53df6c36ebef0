"""Which images may be launched: a list of the service's, never of a tenant's.

Names are read as Docker reads them (distribution/reference, `ParseNormalizedNamed`),
so that `agent`, `docker.io/library/agent` and `agent.example/agent` are two things.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

__all__ = ["AgentImage", "AllowedImages", "ImageName"]

_DEFAULT_REGISTRY = "docker.io"
_OFFICIAL = "library"
_DEFAULT_TAG = "latest"
_MOST_CHARACTERS = 255

_REGISTRY = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]+)?")
_COMPONENT = re.compile(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NUMERIC_USER = re.compile(r"(?P<uid>[0-9]{1,10})(:[0-9]{1,10})?")


@dataclass(frozen=True, slots=True)
class ImageName:
    """A repository, its registry included, and at most one of tag and digest."""

    repository: str
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raise ValueError for what is no image's name, or has tag and digest."""
        name, at, digest = text.partition("@")
        if at:
            _require(_DIGEST, digest, "digest (sha256: and 64 hex digits)")
            return cls(_repository(name), digest=digest)
        head, colon, tag = name.rpartition(":")
        if not colon or "/" in tag:
            return cls(_repository(name))
        _require(_TAG, tag, "tag")
        return cls(_repository(head), tag=tag)

    @property
    def full(self) -> str:
        """The name as Docker lists it among an image's tags or digests, normalized."""
        if self.digest:
            return f"{self.repository}@{self.digest}"
        return f"{self.repository}:{self.tag or _DEFAULT_TAG}"


@dataclass(frozen=True, slots=True)
class AgentImage:
    """What an image of this engine says about itself, as far as it concerns us.

    *id* is the digest of its configuration; *names* are its tags and, where a registry
    knows it, its digests: `ImageName.full`.
    """

    id: str
    names: frozenset[str]
    command: tuple[str, ...]
    user: str
    volumes: frozenset[str]

    @classmethod
    def described(cls, inspected: Mapping[str, Any]) -> Self:
        """Read the answer of `GET /images/{name}/json`."""
        config = inspected["Config"]
        listed = (inspected[key] or () for key in ("RepoTags", "RepoDigests"))
        return cls(
            id=inspected["Id"],
            names=frozenset(
                ImageName.parse(it).full for names in listed for it in names
            ),
            command=(*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())),
            user=config.get("User") or "",
            volumes=frozenset(config.get("Volumes") or ()),
        )

    @property
    def runs_as(self) -> str | None:
        """Return `uid` or `uid:gid` if the image says so in figures, and is not root.

        A name means whatever the image's own /etc/passwd says, root too.
        """
        found = _NUMERIC_USER.fullmatch(self.user)
        return self.user if found and int(found["uid"]) else None


@dataclass(frozen=True, slots=True)
class AllowedImages:
    """Entries without a digest trust whoever may tag images on this engine."""

    entries: tuple[ImageName, ...]

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read entries separated by white space; raise ValueError."""
        if isinstance(value, cls):
            return value
        if not isinstance(value, str) or not value.split():
            raise ValueError("names no image")
        return cls(tuple(map(ImageName.parse, value.split())))

    def may_be(self, name: ImageName) -> bool:
        """Say whether any image of this name could be allowed."""
        return any(_covers(entry, name) for entry in self.entries)

    def allow(self, name: ImageName, image: AgentImage) -> bool:
        """Say whether *image* is allowed, which the engine found by *name*.

        It must really have the name: an engine also finds images by the beginning of
        an id.
        """
        return name.full in image.names and any(
            _covers(entry, name) and _pins(entry, image) for entry in self.entries
        )


def _covers(entry: ImageName, name: ImageName) -> bool:
    if entry.repository != name.repository:
        return False
    return entry.tag is None or entry.full == name.full


def _pins(entry: ImageName, image: AgentImage) -> bool:
    return entry.digest is None or (
        entry.digest == image.id or entry.full in image.names
    )


def _repository(text: str) -> str:
    registry, path = _split(text)
    _require(_REGISTRY, registry, "registry")
    for component in path.split("/"):
        _require(_COMPONENT, component, "part of a repository")
    repository = f"{registry}/{path}"
    if len(repository) > _MOST_CHARACTERS:
        raise ValueError("an image's name is too long")
    return repository


def _split(text: str) -> tuple[str, str]:
    first, slash, rest = text.partition("/")
    is_registry = slash and (
        "." in first or ":" in first or first == "localhost" or first != first.lower()
    )
    if not is_registry:
        path = text if slash else f"{_OFFICIAL}/{text}"
        return _DEFAULT_REGISTRY, path
    if first == f"index.{_DEFAULT_REGISTRY}":
        first = _DEFAULT_REGISTRY
    if first == _DEFAULT_REGISTRY and "/" not in rest:
        rest = f"{_OFFICIAL}/{rest}"
    return first, rest


def _require(pattern: re.Pattern[str], text: str, what: str) -> None:
    if not pattern.fullmatch(text):
        raise ValueError(f"an image's name has what is no {what}")
