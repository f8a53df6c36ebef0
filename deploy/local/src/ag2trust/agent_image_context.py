"""What the default agent is packed from: a Dockerfile and a folder of packages."""

import asyncio
import hashlib
import io
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from .errors import LaunchError
from .program import ProgramError, run_program

__all__ = ["PackagesError", "agent_image_tag", "assemble_context"]

_AGENT = Path(__file__).resolve().parents[4] / "services" / "agent-runner" / "agent"
_DOCKERFILE = _AGENT / "Dockerfile"
_LOCK = _AGENT / "requirements.lock"
_PACKAGE = _AGENT / "src" / "ag2trust_agent"

_REPOSITORY = "ag2trust/agent"
_DIGEST_LENGTH = 12
_INSTALL_SECONDS = 300


class PackagesError(LaunchError):
    """The agent's packages cannot be had."""


def agent_image_tag(base_image: str) -> str:
    """Name the image made of today's sources on *base_image*.

    `ag2trust/agent:<version>-<digest>`: whatever changes the image changes the digest.
    """
    digest = hashlib.sha256(base_image.encode())
    for file in (_DOCKERFILE, _LOCK, *_sources()):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        digest.update(f"\n{file.relative_to(_AGENT).as_posix()} {content}".encode())
    short = digest.hexdigest()[:_DIGEST_LENGTH]
    return f"{_REPOSITORY}:{version('ag2trust-agent')}-{short}"


async def assemble_context(architecture: str) -> bytes:
    """Make the build context, a tar archive, for an engine of *architecture*.

    *architecture* is spelled as wheels and `docker info` do, `x86_64` or `aarch64`.
    Downloads what the agent's lock names, from the index this machine's pip is set up
    with. Raises `PackagesError`.
    """
    with tempfile.TemporaryDirectory(prefix="ag2trust-agent-") as folder:
        packages = Path(folder)
        await _install(packages, architecture)
        return await asyncio.to_thread(_archive, packages)


def _sources() -> list[Path]:
    return sorted(_PACKAGE.rglob("*.py"))


async def _install(target: Path, architecture: str) -> None:
    """Put wheels for the image's Python into *target*; nothing of them is run."""
    try:
        await run_program(
            *(sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"),
            *("install", "--target", str(target), "--no-compile", "--no-deps"),
            *("--require-hashes", "--only-binary", ":all:"),
            *("--platform", f"manylinux2014_{architecture}"),
            *("--implementation", "cp", "--python-version", "3.11"),
            *("--requirement", str(_LOCK)),
            seconds=_INSTALL_SECONDS,
        )
    except ProgramError as error:
        raise PackagesError(f"The agent's packages cannot be had: {error}") from error


def _archive(packages: Path) -> bytes:
    """Pack Dockerfile and packages, the same bytes for the same files."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        _add(tar, _DOCKERFILE, "Dockerfile")
        for source, name in _entries(packages):
            _add(tar, source, f"site-packages/{name}")
    return archive.getvalue()


def _entries(packages: Path) -> Iterator[tuple[Path, str]]:
    """List the files of the image; commands that packages bring are left out."""
    commands = packages / "bin"
    for file in sorted(packages.rglob("*")):
        if file.is_file() and not file.is_relative_to(commands):
            yield file, file.relative_to(packages).as_posix()
    for file in _sources():
        yield file, file.relative_to(_PACKAGE.parent).as_posix()


def _add(tar: tarfile.TarFile, source: Path, name: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = source.stat().st_size
    entry.mode = 0o644
    with source.open("rb") as content:
        tar.addfile(entry, content)
