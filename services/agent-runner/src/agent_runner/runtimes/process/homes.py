"""Where agents that are processes keep their files."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

__all__ = ["remove_home"]

_OURS = 0o700


def remove_home(home: Path) -> None:
    """Remove *home* and all below it, also what its agent let nobody change.

    Links are removed, never followed. What cannot be removed stays.
    """
    with suppress(OSError):
        home.chmod(_OURS)
        for folder, names, _ in os.walk(home):
            for name in names:
                path = Path(folder, name)
                if not path.is_symlink():
                    path.chmod(_OURS)
    shutil.rmtree(home, ignore_errors=True)
