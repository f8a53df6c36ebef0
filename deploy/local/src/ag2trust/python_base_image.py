"""Where the Python comes from that an image is built on."""

import os
import shutil
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from aiodocker import Docker, DockerError

from shared.timeouts import timeout

from .errors import LaunchError
from .program import ProgramError, run_program

__all__ = ["BaseImageError", "ensure_base_image", "has_image"]

HOME_MADE = "ag2trust/python-base:3.11-bookworm"
"""What the script makes; no registry is asked for it, where anybody could own it."""

_SCRIPT = Path(__file__).resolve().parents[3] / "base-images" / "python.sh"
_PULL_SECONDS = 300
_SCRIPT_SECONDS = 900


class BaseImageError(LaunchError):
    """No Python image is here, and none can be had."""

    exit_code = os.EX_UNAVAILABLE


async def ensure_base_image(
    docker: Docker, name: str, *, progress: Callable[[str], None]
) -> str:
    """Find image *name*, pull it, or else make one; the name to build on.

    Raises `BaseImageError`, which says what to do.
    """
    if await has_image(docker, name):
        return name
    if name != HOME_MADE and await _pull(docker, name, progress):
        return name
    if not await has_image(docker, HOME_MADE):
        await _make(name, progress)
    progress(f"Using {HOME_MADE}")
    return HOME_MADE


async def has_image(docker: Docker, name: str) -> bool:
    try:
        await docker.images.inspect(name)
    except DockerError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return False
        raise
    return True


async def _pull(docker: Docker, name: str, progress: Callable[[str], None]) -> bool:
    progress(f"Pulling {name}")
    try:
        async with timeout(_PULL_SECONDS):
            await docker.images.pull(name)
        if await has_image(docker, name):
            return True
    except (DockerError, TimeoutError):
        pass
    progress(f"{name} cannot be pulled")
    return False


async def _make(wanted: str, progress: Callable[[str], None]) -> None:
    if missing := _missing():
        raise BaseImageError(
            f"The image {wanted} is not on this machine and cannot be pulled. "
            f"Load it with `docker load`, or make one here with {_SCRIPT}, "
            f"which needs {missing}."
        )
    progress("Making a Python image from Debian packages, about a minute")
    try:
        await run_program(str(_SCRIPT), seconds=_SCRIPT_SECONDS)
    except ProgramError as error:
        raise BaseImageError(f"No Python image could be made: {error}") from error


def _missing() -> str | None:
    """Name the first thing without which the script cannot work."""
    if os.geteuid() != 0:
        return "root"
    for program in ("debootstrap", "docker"):
        if shutil.which(program) is None:
            return f"the program {program}"
    return None
