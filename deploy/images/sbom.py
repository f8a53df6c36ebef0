"""What is in each image of docker-compose.yml, as a bill of materials in CycloneDX 1.6.

`sbom.py <folder>` writes `<image>.cdx.json` there, from what the image is built of: the
lock that its packages are installed from, for the gateway's also that of the dashboard,
our own sources, and the base image, which is named and not looked into. Licences of
Python packages are what the same versions say of themselves where this runs.
"""

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import Requirement

_REPOSITORY = Path(__file__).resolve().parents[2]
_DASHBOARD = _REPOSITORY / "services/gateway/dashboard/package-lock.json"
_SERVICES_LOCK = "deploy/images/requirements.lock"
_IN_AN_IMAGE = {
    "python_version": "3.11",
    "python_full_version": "3.11.2",
    "sys_platform": "linux",
    "platform_system": "Linux",
}
_CLASSIFIER = "License :: OSI Approved :: "

Component = dict[str, Any]


def main(folder: str) -> None:
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, build in _images().items():
        bill = _bill(name, [*_components(build)])
        file = Path(folder, f"{name.rpartition('/')[2].partition(':')[0]}.cdx.json")
        file.write_text(json.dumps(bill, indent=2) + "\n")


def _images() -> dict[str, dict[str, Any]]:
    """Return how each image of ours is built, by its name and tag."""
    composed = yaml.safe_load((_REPOSITORY / "docker-compose.yml").read_text())
    return {
        service["image"]: service["build"]
        for service in composed["services"].values()
        if "build" in service
    }


def _components(build: dict[str, Any]) -> Iterator[Component]:
    arguments = build["args"]
    yield _base(arguments["PYTHON_IMAGE"])
    for source in arguments["SOURCES"].split():
        yield _ours(_REPOSITORY / source)
    yield from _locked(_REPOSITORY / arguments.get("LOCK", _SERVICES_LOCK))
    if build["target"] == "gateway":
        yield from _of_the_dashboard()


def _bill(image: str, components: list[Component]) -> dict[str, Any]:
    name, _, version = image.partition(":")
    by_reference = {each["bom-ref"]: each for each in components}
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "container",
                "bom-ref": image,
                "name": name,
                "version": version,
            }
        },
        "components": [by_reference[each] for each in sorted(by_reference)],
        "dependencies": [{"ref": image, "dependsOn": sorted(by_reference)}],
    }


def _base(image: str) -> Component:
    """Read the default of `${AG2TRUST_PYTHON_IMAGE:-python:3.11-slim-bookworm}`."""
    default = image.partition(":-")[2].removesuffix("}") or image
    name, _, version = default.partition(":")
    return _component("container", name, version, f"pkg:docker/{name}@{version}")


def _ours(source: Path) -> Component:
    project = tomllib.loads((source.parent / "pyproject.toml").read_text())["project"]
    name, version = project["name"], project["version"]
    made = _component("application", name, version, f"{name}@{version}")
    del made["purl"]
    return made | {"licenses": [{"expression": project["license"]}]}


def _locked(lock: Path) -> Iterator[Component]:
    for line in lock.read_text().splitlines():
        if not re.match(r"[a-z0-9]", line):
            continue
        wanted = Requirement(line.rstrip(" \\"))
        if wanted.marker and not wanted.marker.evaluate(_IN_AN_IMAGE):
            continue
        version = str(wanted.specifier).removeprefix("==")
        purl = f"pkg:pypi/{wanted.name}@{version}"
        made = _component("library", wanted.name, version, purl)
        yield made | _licences_of(wanted.name, version)


def _licences_of(name: str, version: str) -> dict[str, Any]:
    """Return what a package says of its licence, if it is here in this version."""
    try:
        told = metadata(name)
    except PackageNotFoundError:
        return {}
    if told["Version"] != version:
        return {}
    if "License-Expression" in told:
        return {"licenses": [{"expression": told["License-Expression"]}]}
    names = [
        each.removeprefix(_CLASSIFIER)
        for each in told.get_all("Classifier") or ()
        if each.startswith(_CLASSIFIER)
    ]
    short = [each for each in told.get_all("License") or () if "\n" not in each]
    return {"licenses": [{"license": {"name": each}} for each in names or short]}


def _of_the_dashboard() -> Iterator[Component]:
    """Find what the dashboard is built with and may hold; tools are left out."""
    packages = json.loads(_DASHBOARD.read_text())["packages"]
    for path, package in packages.items():
        if not path or package.get("dev"):
            continue
        name, version = path.rpartition("node_modules/")[2], package["version"]
        purl = f"pkg:npm/{name.replace('@', '%40')}@{version}"
        licence = [{"expression": package["license"]}]
        yield _component("library", name, version, purl) | {"licenses": licence}


def _component(kind: str, name: str, version: str, purl: str) -> Component:
    return {
        "type": kind,
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
