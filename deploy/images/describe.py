"""Tell importlib.metadata what sources are that were copied, not installed.

`describe.py <target> <source folder> …`: beside each folder is its pyproject.toml.
"""

import sys
import tomllib
from pathlib import Path


def main(target: str, *sources: str) -> None:
    for source in sources:
        pyproject = Path(source).parent / "pyproject.toml"
        project = tomllib.loads(pyproject.read_text())["project"]
        name, version = project["name"], project["version"]
        folder = Path(target, f"{name.replace('-', '_')}-{version}.dist-info")
        folder.mkdir()
        (folder / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
