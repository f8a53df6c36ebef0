"""Every lock pins its packages by hash and leaves open which index they come from."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
LOCKS = (
    "requirements.lock",
    "deploy/images/requirements.lock",
    "examples/ag2/requirements.lock",
    "services/agent-runner/agent/requirements.lock",
)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_pins_hashes_and_no_address(lock: str) -> None:
    lines = (REPOSITORY / lock).read_text().splitlines()

    said = [line.strip() for line in lines if not line.strip().startswith("#")]

    pins = [line for line in said if re.match(r"[a-z0-9.-]+==[^ ]+", line)]
    hashes = [line for line in said if line.startswith("--hash=sha256:")]
    assert {*said} - {*pins, *hashes, ""} == set()
    assert 0 < len(pins) <= len(hashes)
    assert not [line for line in lines if "://" in line]
