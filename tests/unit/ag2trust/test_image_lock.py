"""`deploy/images/requirements.lock` follows the lock that everything is tested with."""

import re
from importlib.metadata import requires
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
SERVICES = ("credentials", "gateway", "agent-runner", "metrics")


def pins(lock: str) -> set[str]:
    return set(
        re.findall(r"^[a-z0-9-]+==[^ ]+", (REPOSITORY / lock).read_text(), re.MULTILINE)
    )


def needs(distribution: str) -> set[str]:
    """Return the names of the packages that a distribution of ours needs."""
    return {
        match[0].lower()
        for line in requires(distribution) or []
        if (match := re.match(r"[A-Za-z0-9-]+", line))
    }


def test_images_have_the_versions_that_are_tested() -> None:
    assert pins("deploy/images/requirements.lock") - pins("requirements.lock") == set()


def test_images_have_all_that_a_service_needs() -> None:
    locked = {pin.partition("==")[0] for pin in pins("deploy/images/requirements.lock")}

    needed = needs("ag2trust-shared").union(
        *(needs(f"ag2trust-{service}") for service in SERVICES)
    )

    assert needed - locked == {"ag2trust-shared"}
