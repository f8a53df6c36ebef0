"""`make sbom` says what is in each image, and nothing else."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[3]
COMPOSED = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"]
AGENT, GATEWAY, METRICS = (
    COMPOSED[each]["image"] for each in ("agent", "gateway", "metrics")
)
AGENTS_LOCK = "services/agent-runner/agent/requirements.lock"


@pytest.fixture(scope="module")
def bills(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("sbom")
    script = REPOSITORY / "deploy" / "images" / "sbom.py"
    subprocess.run([sys.executable, script, folder], check=True)  # noqa: S603 - ours
    read = (json.loads(path.read_text()) for path in folder.glob("*.cdx.json"))
    return {
        f"{one['name']}:{one['version']}": each
        for each in read
        if (one := each["metadata"]["component"])
    }


def packages(bill: dict[str, Any], kind: str) -> set[str]:
    purls = (each.get("purl", "") for each in bill["components"])
    return {
        each.removeprefix(f"pkg:{kind}/")
        for each in purls
        if each.startswith(f"pkg:{kind}/")
    }


def pins(lock: str) -> set[str]:
    text = (REPOSITORY / lock).read_text()
    return {
        f"{name}@{version}"
        for name, version in re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE)
    }


def test_each_image_that_is_built_has_one(bills: dict[str, dict[str, Any]]) -> None:
    built = {each["image"] for each in COMPOSED.values() if "build" in each}

    assert bills.keys() == built


def test_packages_are_those_of_the_images_lock(
    bills: dict[str, dict[str, Any]],
) -> None:
    services = pins("deploy/images/requirements.lock")

    assert packages(bills[METRICS], "pypi") <= services
    assert packages(bills[AGENT], "pypi") <= pins(AGENTS_LOCK)
    of_others = services - packages(bills[METRICS], "pypi")
    assert {each.partition("@")[0] for each in of_others} <= {"httpx2-jsfetch"}


def test_the_gateways_image_alone_has_the_dashboard(
    bills: dict[str, dict[str, Any]],
) -> None:
    with_dashboard = {name for name, bill in bills.items() if packages(bill, "npm")}
    names = {each.partition("@")[0] for each in packages(bills[GATEWAY], "npm")}

    assert with_dashboard == {GATEWAY}
    assert {"react", "%40tanstack/react-query"} <= names
    assert "vite" not in names


def test_every_package_has_a_licence(bills: dict[str, dict[str, Any]]) -> None:
    without = {
        each["name"]
        for bill in bills.values()
        for each in bill["components"]
        if each["type"] != "container" and not each.get("licenses")
    }

    assert without == set()


def test_everything_is_named_once_and_hangs_on_the_image(
    bills: dict[str, dict[str, Any]],
) -> None:
    for image, bill in bills.items():
        references = [each["bom-ref"] for each in bill["components"]]
        [whole] = bill["dependencies"]
        assert len(references) == len(set(references))
        assert (whole["ref"], whole["dependsOn"]) == (image, references)
