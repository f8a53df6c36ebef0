"""Write the client's models and operations: `python -m tests.unit.client.write_client`.

`make generate` does it after the description that they are made of.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .generating import models_source, operations_source

REPOSITORY = Path(__file__).parents[3]
PACKAGE = REPOSITORY / "client" / "src" / "ag2trust_client"
SOURCES: dict[str, Callable[[dict[str, Any]], str]] = {
    "models.py": models_source,
    "operations.py": operations_source,
}


def text_of(name: str) -> str:
    document = json.loads((REPOSITORY / "docs/api/openapi.json").read_text())
    return formatted(SOURCES[name](document))


def formatted(source: str) -> str:
    return subprocess.run(
        (sys.executable, "-m", "ruff", "format", "--stdin-filename", "client.py", "-"),
        input=source,
        text=True,
        capture_output=True,
        check=True,
        cwd=REPOSITORY,
    ).stdout


def main() -> None:
    for name in SOURCES:
        (PACKAGE / name).write_text(text_of(name))


if __name__ == "__main__":
    main()
