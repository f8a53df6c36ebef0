"""A process from start to end: its exit code, and one sentence about why."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from shared.identity import Identity

PROGRAM = Path(__file__).with_name("small_service.py")
CANARY = "sk-canary-17d3"
NOWHERE = "postgresql://small:sk-canary-17d3@/small?host=/nonexistent"

Line = dict[str, Any]
Start = Callable[..., "subprocess.Popen[str]"]


class Running:
    """A running service, heard line by line."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.lines: list[Line] = []

    def until(self, event: str) -> None:
        """Listen until it says *event*."""
        assert self.process.stderr
        for line in self.process.stderr:
            self.lines.append(json.loads(line))
            if self.lines[-1]["event"] == event:
                return
        raise AssertionError(f"it never said {event}: {self.events}")

    def write(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def ended(self) -> int:
        """Listen to the end, and return the exit code."""
        _, rest = self.process.communicate(timeout=20)
        self.lines += [json.loads(line) for line in rest.splitlines()]
        return self.process.returncode

    @property
    def events(self) -> list[str]:
        return [line["event"] for line in self.lines]


@pytest.fixture
def identity_file(tmp_path: Path) -> Path:
    path = tmp_path / "small.nkey"
    path.touch(mode=0o600)
    path.write_text(Identity.generate().nkey_seed)
    return path


def _environment(identity_file: Path, **variables: str) -> dict[str, str]:
    return {
        "PATH": os.defpath,
        "PYTHONWARNINGS": "error",
        "AG2TRUST_SMALL_IDENTITY_FILE": str(identity_file),
        **{f"AG2TRUST_SMALL_{name.upper()}": each for name, each in variables.items()},
    }


@contextmanager
def _running(fate: str, environment: dict[str, str]) -> Iterator[Running]:
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, str(PROGRAM), fate],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Running(process)
        finally:
            process.kill()


def _reasons(fate: str, environment: dict[str, str], *, code: int = 1) -> list[str]:
    """Run to the end, which is a failure told in one line; return its sentences."""
    with _running(fate, environment) as service:
        assert service.ended() == code
    (told,) = (line for line in service.lines if line["event"] == "service.failed")
    assert told["level"] == "critical"
    assert "exception" not in told
    reasons: list[str] = told["reasons"]
    return reasons


def test_without_its_settings_a_service_names_them_and_exits_as_misconfigured() -> None:
    ended = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, str(PROGRAM), "stays"],
        env={"PATH": os.defpath, "AG2TRUST_SMALL_NATS_ULR": CANARY},
        capture_output=True,
        check=False,
        text=True,
        timeout=20,
    )

    assert ended.returncode == 78
    assert ended.stderr.splitlines() == [
        "small cannot start:",
        "AG2TRUST_SMALL_NATS_ULR is not a setting",
        "AG2TRUST_SMALL_IDENTITY_FILE: is required",
    ]


def test_a_signal_ends_a_service_well(identity_file: Path) -> None:
    with _running("stays", _environment(identity_file)) as service:
        service.until("service.started")
        service.process.send_signal(signal.SIGTERM)

        assert service.ended() == 0
    assert service.events == ["service.started", "service.stopping", "service.stopped"]


def test_more_signals_do_not_interrupt_the_closing(identity_file: Path) -> None:
    with _running("closes slowly", _environment(identity_file)) as service:
        service.until("service.started")
        service.process.send_signal(signal.SIGTERM)
        service.until("small.closing")
        service.process.send_signal(signal.SIGTERM)
        service.process.send_signal(signal.SIGINT)
        service.write()

        assert service.ended() == 0
    assert service.events[-1] == "service.stopped"


def test_a_signal_ends_a_service_that_is_still_opening(identity_file: Path) -> None:
    with _running("opens slowly", _environment(identity_file)) as service:
        service.until("small.opening")
        service.process.send_signal(signal.SIGTERM)

        assert service.ended() == 0
    assert service.events == ["small.opening", "service.stopped"]


def test_an_identity_that_others_may_read_is_refused(identity_file: Path) -> None:
    identity_file.chmod(0o644)

    reasons = _reasons("identity", _environment(identity_file))

    assert reasons == [f"{identity_file} is readable by others; make it mode 0600"]


def test_without_nats_a_service_says_where_it_looked(identity_file: Path) -> None:
    url = f"nats://user:{CANARY}@127.0.0.1:1"

    reasons = _reasons("nats", _environment(identity_file, nats_url=url))

    assert reasons == ["NATS cannot be reached at nats://127.0.0.1:1."]


def test_without_postgresql_a_service_says_so(identity_file: Path) -> None:
    environment = _environment(
        identity_file, database_url=NOWHERE, sweep_database_url=NOWHERE
    )

    assert _reasons("postgres", environment) == [
        "The database cannot be reached right now."
    ]


def test_a_job_that_fails_ends_the_service_with_its_sentence(
    identity_file: Path,
) -> None:
    assert _reasons("job fails", _environment(identity_file)) == [
        "The connection to NATS closed for good."
    ]


def test_what_the_system_refuses_is_told_in_its_words(identity_file: Path) -> None:
    assert _reasons("port is taken", _environment(identity_file)) == [
        "Address already in use (network)"
    ]


@pytest.mark.parametrize("fate", ["job crashes", "both"])
def test_a_crash_is_told_by_its_class_and_place_alone(
    identity_file: Path, fate: str
) -> None:
    with _running(fate, _environment(identity_file)) as service:
        assert service.ended() == 1

    (crash,) = (line for line in service.lines if line["event"] == "service.crashed")
    assert "ValueError" in json.dumps(crash)
    assert "_crash" in json.dumps(crash)
    assert CANARY not in json.dumps(service.lines)
    assert ("service.failed" in service.events) == (fate == "both")
