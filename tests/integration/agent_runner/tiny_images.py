"""Tiny images: a few programs of this machine and what they load, from no registry.

The programs are a base that stays on its engine, so that each image is only a command.
"""

import hashlib
import io
import json
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from aiodocker import Docker

from ag2trust.python_base_image import has_image

__all__ = ["build_tiny_image"]

_PROGRAMS = (
    *("bash", "cat", "env", "find", "grep", "id", "ls", "mkdir", "perl", "sleep"),
    *("timeout", "unshare", "yes"),
)
_SHELL = "sh"
_BASE = """\
FROM scratch
COPY root/ /
ENV PATH=/bin
ENTRYPOINT ["/bin/bash", "-c"]
"""


async def build_tiny_image(
    docker: Docker, tag: str, script: str, *lines: str, has_shell: bool
) -> None:
    """Make *tag* run *script* in bash, with more *lines* of Dockerfile."""
    base = await _base(docker, has_shell=has_shell)
    dockerfile = "\n".join((f"FROM {base}", f"CMD {json.dumps([script])}", *lines))
    await _build(docker, tag, _packed(dockerfile, ()))


async def _base(docker: Docker, *, has_shell: bool) -> str:
    """Name the base, which is built where its engine does not have it yet."""
    context = _packed(_BASE, (*_PROGRAMS, _SHELL) if has_shell else _PROGRAMS)
    tag = f"ag2trust/test-programs:{_digest(context)}"
    if not await has_image(docker, tag):
        await _build(docker, tag, context)
    return tag


async def _build(docker: Docker, tag: str, context: bytes) -> None:
    await docker.images.build(
        fileobj=io.BytesIO(context), encoding="identity", tag=tag, forcerm=True
    )


@cache
def _digest(context: bytes) -> str:
    return hashlib.sha256(context).hexdigest()


@cache
def _packed(dockerfile: str, programs: tuple[str, ...]) -> bytes:
    """Return the tar that Docker builds from, with *programs* below `root/bin`."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(dockerfile)
        tar.addfile(entry, io.BytesIO(dockerfile.encode()))
        for program in programs:
            path = Path(shutil.which(program) or program).resolve()
            tar.add(path, f"root/bin/{program}")
        for library in sorted(_libraries(programs)):
            tar.add(Path(library).resolve(), f"root{library}")
    return content.getvalue()


def _libraries(programs: Iterable[str]) -> set[str]:
    paths = [shutil.which(program) or program for program in programs]
    if not paths:
        return set()
    shown = subprocess.run(  # noqa: S603 programs named above
        ["/usr/bin/ldd", *paths], capture_output=True, text=True, check=True
    )
    return set(re.findall(r"(/\S+) \(0x", shown.stdout))
