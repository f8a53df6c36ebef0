"""What each composed service finds in its volume, and what it does not."""

import json
import stat
from pathlib import Path

import pytest

from ag2trust.errors import HomeUnusableError
from ag2trust.provision import make_keys
from agent_runner.runtimes.launch_frame import AGENT_INIT
from shared.contracts.base import Service
from shared.identity import Identity

from .deployed import OWNERS


@pytest.fixture
def root(tmp_path: Path) -> Path:
    make_keys(tmp_path, OWNERS)
    return tmp_path


def contents(root: Path) -> dict[str, bytes]:
    files = (file for file in root.rglob("*") if file.is_file())
    return {str(file.relative_to(root)): file.read_bytes() for file in files}


def test_each_owner_is_given_its_own(root: Path) -> None:
    given = {
        name: {file.name for file in (root / name).iterdir()}
        for name in (*OWNERS, "master-key")
    }

    assert given == {
        "credentials": {"identity.nkey", "settings.json", "runners.json"},
        "gateway": {"identity.nkey", "settings.json"},
        "agent_runner": {"identity.nkey", "settings.json"},
        "metrics": {"identity.nkey", "settings.json"},
        "database": {"passwords.json"},
        "nats": {"nats.conf"},
        "agent-runner-state": set(),
        "audit": set(),
        "nats-data": set(),
        "postgres": {"password"},
        "master-key": {"master.key"},
    }


def test_what_is_given_is_for_its_owner_alone(root: Path) -> None:
    open_to_others = [
        path
        for name in (*OWNERS, "master-key")
        for path in (root / name, *(root / name).iterdir())
        if stat.S_IMODE(path.stat().st_mode) & 0o077
    ]

    assert open_to_others == []


def test_a_second_start_changes_nothing(root: Path) -> None:
    first = contents(root)

    make_keys(root, OWNERS)

    assert contents(root) == first


def test_a_first_start_that_was_cut_short_is_finished(root: Path) -> None:
    master_key = (root / "master-key" / "master.key").read_bytes()
    (root / "vault" / "version").unlink()
    (root / "vault" / "keys" / "gateway.nkey").unlink()

    make_keys(root, OWNERS)

    assert (root / "gateway" / "identity.nkey").exists()
    assert (root / "master-key" / "master.key").read_bytes() == master_key


def test_a_lost_master_key_is_missed_and_not_replaced(root: Path) -> None:
    (root / "master-key" / "master.key").unlink()

    with pytest.raises(HomeUnusableError, match=r"master\.key") as missed:
        make_keys(root, OWNERS)

    assert "docs/operations.md" in str(missed.value)
    assert "AG2TRUST_HOME" not in str(missed.value)


def test_retired_master_keys_are_named_to_credentials_alone(root: Path) -> None:
    folder = root / "master-key"
    (folder / "master.key").rename(folder / "retired-1.key")
    (folder / "master.key").write_text("ab" * 32)

    make_keys(root, OWNERS)

    named = {
        service: json.loads((root / service / "settings.json").read_text()).get(
            "retired_master_key_files"
        )
        for service in Service
    }
    assert named == dict.fromkeys(Service) | {
        Service.CREDENTIALS: ["/run/master-key/retired-1.key"]
    }


def test_the_master_key_is_nowhere_else(root: Path) -> None:
    master_key = (root / "master-key" / "master.key").read_bytes()

    holders = [
        name for name, content in contents(root).items() if master_key in content
    ]

    assert holders == ["master-key/master.key"]


def test_a_service_knows_no_password_but_those_of_its_own_roles(root: Path) -> None:
    settings = json.loads((root / "metrics" / "settings.json").read_text())
    passwords = json.loads((root / "database" / "passwords.json").read_text())

    told = json.dumps(settings)

    known = {role for role, password in passwords.items() if password in told}
    assert known == {"metrics", "metrics_sweep", "metrics_owner"}


def test_an_agent_may_read_its_init_whoever_it_runs_as(root: Path) -> None:
    init = root / "agent-init" / "init"

    assert init.read_text() == AGENT_INIT.read_text()
    assert stat.S_IMODE(init.stat().st_mode) == 0o644
    assert stat.S_IMODE(init.parent.stat().st_mode) == 0o755


def test_who_is_trusted_is_pinned_to_the_identity_that_was_made(root: Path) -> None:
    told = json.loads((root / "gateway" / "settings.json").read_text())
    made = Identity.from_file(root / "credentials" / "identity.nkey")

    assert told["credentials_identity"] == str(made.public)


def test_the_credentials_service_knows_who_metrics_is(root: Path) -> None:
    told = json.loads((root / "credentials" / "settings.json").read_text())
    made = Identity.from_file(root / "metrics" / "identity.nkey")

    assert told["metrics_identity"] == str(made.public)


def test_the_runner_may_pass_to_its_brokers_socket_and_put_none_there(
    root: Path,
) -> None:
    found = (root / "broker").stat()

    assert stat.S_IMODE(found.st_mode) == 0o710
    assert found.st_gid == OWNERS["agent_runner"]
