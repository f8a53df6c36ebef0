"""The Pythons that services are measured on: that of their images, and this one.

Images have Debian's Python 3.11 or the official image's, and both are built with what
profiles of programs say. One that was compiled without, as pyenv does unless told
otherwise, takes longer for the same.
"""

import os
import sys
from pathlib import Path

__all__ = ["HERE", "IMAGES", "import_path"]

HERE = Path(sys.executable)
_DEBIANS = Path("/usr/bin/python3.11")


def _of_images() -> Path:
    """Find Debian's Python, if what is installed here can be imported by it."""
    is_alike = sys.version_info[:2] == (3, 11) and _DEBIANS.exists()
    is_another = Path(sys.base_prefix) != _DEBIANS.parent.parent
    return _DEBIANS if is_alike and is_another else HERE


IMAGES = _of_images()


def import_path() -> str:
    """Say, as `PYTHONPATH`, where what is installed here is, but for Python itself."""
    own = Path(sys.base_prefix)
    return os.pathsep.join(
        each for each in sys.path if each and not Path(each).is_relative_to(own)
    )
