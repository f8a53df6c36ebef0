import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from credentials.leases.enrolment import Enrolment
from shared.identity import Identity
from shared.settings import SettingsError

ONE = Identity(b"1" * 32).public
TWO = Identity(b"2" * 32).public
ORG, OTHER_ORG = UUID(int=1), UUID(int=2)


def _file(folder: Path, entries: Any) -> Path:
    path = folder / "runners.json"
    path.write_text(json.dumps(entries), encoding="utf-8")
    return path


def _entry(runner: str, identity: object, *organizations: str) -> dict[str, Any]:
    return {
        "runner": runner,
        "identity": str(identity),
        "organizations": list(organizations or ("*",)),
    }


def test_a_runner_is_found_by_the_identity_that_signs(tmp_path: Path) -> None:
    path = _file(tmp_path, [_entry("runner-1", ONE), _entry("runner-2", TWO)])

    runner = Enrolment.from_file(path).of(TWO.nkey)

    assert runner is not None
    assert runner.runner == "runner-2"
    assert runner.identity == TWO


def test_an_identity_that_is_not_in_the_file_is_nobody(tmp_path: Path) -> None:
    path = _file(tmp_path, [_entry("runner-1", ONE)])

    assert Enrolment.from_file(path).of(TWO.nkey) is None


def test_a_runner_serves_the_organizations_of_its_entry(tmp_path: Path) -> None:
    path = _file(tmp_path, [_entry("any", ONE), _entry("one", TWO, str(ORG))])

    enrolment = Enrolment.from_file(path)

    any_runner, one_runner = enrolment.runners
    assert any_runner.serves(ORG)
    assert any_runner.serves(OTHER_ORG)
    assert one_runner.serves(ORG)
    assert not one_runner.serves(OTHER_ORG)


@pytest.mark.parametrize(
    "entries",
    [
        {"runner": "runner-1"},
        [{"runner": "runner-1", "organizations": ["*"]}],
        [_entry("", ONE)],
        [_entry("runner-1", "no identity")],
        [_entry("runner-1", ONE.nkey)],
        [_entry("runner-1", ONE, "acme")],
        [{**_entry("runner-1", ONE), "organizations": []}],
        [{**_entry("runner-1", ONE), "organisations": ["*"]}],
        [_entry("runner-1", ONE), _entry("runner-1", TWO)],
        [_entry("runner-1", ONE), _entry("runner-2", ONE)],
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(tmp_path: Path, entries: Any) -> None:
    with pytest.raises(SettingsError, match=r"runners\.json"):
        Enrolment.from_file(_file(tmp_path, entries))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        Enrolment.from_file(tmp_path / "runners.json")
