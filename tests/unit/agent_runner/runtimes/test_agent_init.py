"""The init itself, under every shell of this machine that an image may have."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from agent_runner.runtimes.launch_frame import (
    AGENT_INIT,
    MAX_LINE_LENGTH,
    NAMES,
    READY,
    REFUSED,
    launch_frame,
)

SHELLS = [
    shell
    for shell in (["sh"], ["dash"], ["bash"], ["busybox", "sh"], ["mksh"], ["zsh"])
    if shutil.which(shell[0])
]
PATH = "/usr/bin:/bin"
SHOW = (
    sys.executable,
    "-I",
    "-c",
    "import json, os; print(json.dumps(dict(os.environ)))",
)


@pytest.fixture(params=SHELLS, ids=" ".join)
def shell(request: pytest.FixtureRequest) -> list[str]:
    found: list[str] = request.param
    return found


def run(
    shell: list[str],
    frame: bytes,
    *command: str,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # noqa: S603 the init, under a shell of SHELLS
        [*shell, str(AGENT_INIT), *command],
        input=frame,
        env={"PATH": PATH, **(environment or {})},
        capture_output=True,
        timeout=30,
        check=False,
    )


def shown(
    shell: list[str], frame: bytes, environment: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the environment that the command had."""
    done = run(shell, frame, *SHOW, environment=environment)
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_the_command_has_the_environment(shell: list[str]) -> None:
    environment = {name: f"value-of-{name}" for name in NAMES}

    found = shown(shell, launch_frame(environment))

    assert found.items() >= environment.items()


@pytest.mark.parametrize(
    "value",
    [
        "$(touch${IFS}pwned)",
        "`touch${IFS}pwned`",
        "'\"\\$HOME\\n\\",
        "*?[a-z]~!{1,2}",
        "a=b=c",
        "-n",
        "".join(map(chr, range(0x21, 0x7F))),
    ],
)
def test_a_value_is_taken_literally(
    shell: list[str],
    value: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)

    found = shown(shell, launch_frame({"OPENAI_API_KEY": value}))

    assert found["OPENAI_API_KEY"] == value
    assert not list(tmp_path.iterdir())


def test_the_longest_line_is_taken(shell: list[str]) -> None:
    value = "x" * (MAX_LINE_LENGTH - len("OPENAI_API_KEY="))

    found = shown(shell, launch_frame({"OPENAI_API_KEY": value}))

    assert found["OPENAI_API_KEY"] == value


KEY = b"OPENAI_API_KEY=sk-canary"
HOSTILE = {
    "nothing": b"",
    "a line without an end": KEY,
    "no END": KEY + b"\n",
    "an END without an end": KEY + b"\nEND 1",
    "too few": KEY + b"\nEND 2\n",
    "too many": KEY + b"\nEND 0\n",
    "a count in other words": KEY + b"\nEND 01\n",
    "a count with a sign": KEY + b"\nEND +1\n",
    "no count": KEY + b"\nEND\n",
    "a count with a space": KEY + b"\nEND 1 \n",
    "a count that computes": KEY + b"\nEND $((1))\n",
    "an unknown name": b"PATH=/canary\nEND 1\n",
    "a loader's name": b"LD_PRELOAD=/canary.so\nEND 1\n",
    "a name and no value": b"OPENAI_API_KEY\nEND 1\n",
    "an empty value": b"OPENAI_API_KEY=\nEND 1\n",
    "a name after a space": b" " + KEY + b"\nEND 1\n",
    "a name with more": b"OPENAI_API_KEY_canary=1\nEND 1\n",
    "a command in the name": b"OPENAI_API_KEY;echo=canary\nEND 1\n",
    "an empty line": KEY + b"\n\nEND 1\n",
    "DOS line ends": KEY + b"\r\nEND 1\r\n",
    "an overlong line": KEY + b"x" * MAX_LINE_LENGTH + b"\nEND 1\n",
    "no text at all": bytes(range(1, 256)) + b"canary\nEND 1\n",
}


@pytest.mark.parametrize("frame", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_no_frame_ends_the_init(shell: list[str], frame: bytes) -> None:
    done = run(shell, frame, "echo", "the command ran")

    assert done.returncode == REFUSED
    assert done.stdout == b""


@pytest.mark.parametrize("frame", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_refusal_is_one_fixed_line(shell: list[str], frame: bytes) -> None:
    done = run(shell, frame, "echo", "the command ran")

    [line] = done.stderr.splitlines()
    assert line.startswith(b"ag2trust-init: ")
    assert b"canary" not in line


def test_every_character_but_graphic_ascii_is_refused(shell: list[str]) -> None:
    graphic = range(0x21, 0x7F)
    others = [each for each in range(1, 256) if each not in (*graphic, ord("\n"))]

    codes = {
        each: run(shell, KEY + bytes([each]) + b"x\nEND 1\n", "true").returncode
        for each in others
    }

    assert set(codes.values()) == {REFUSED}


def test_a_locale_that_sorts_letters_otherwise_changes_nothing(
    shell: list[str],
) -> None:
    frame = b"OPENAI_API_KEY=\xc3\xa9\nEND 1\n"

    done = run(shell, frame, "true", environment={"LC_ALL": "C.UTF-8"})

    assert done.returncode == REFUSED


@pytest.mark.parametrize("locale", ["C.UTF-8", "POSIX"])
def test_the_locale_of_the_image_comes_back(shell: list[str], locale: str) -> None:
    found = shown(shell, launch_frame({}), {"LC_ALL": locale, "LANG": "C"})

    assert (found["LC_ALL"], found["LANG"]) == (locale, "C")


def test_an_image_without_a_locale_gets_none(shell: list[str]) -> None:
    assert "LC_ALL" not in shown(shell, launch_frame({}))


def test_the_init_leaves_nothing_of_its_own_behind(shell: list[str]) -> None:
    environment = {"ag2trust_line": "from the image"}

    found = shown(shell, launch_frame({"AWS_REGION": "eu-west-1"}), environment)

    assert not [name for name in found if name.startswith("ag2trust_")]


def test_it_says_that_it_is_ready_before_the_command_speaks(shell: list[str]) -> None:
    done = run(shell, launch_frame({}), "sh", "-c", "echo first words >&2")

    assert done.stderr == READY + b"first words\n"


def test_the_command_reads_nothing(shell: list[str]) -> None:
    done = run(shell, launch_frame({}) + b"left over\n", "cat")

    assert (done.returncode, done.stdout) == (0, b"")


def test_arguments_stay_whole(shell: list[str]) -> None:
    done = run(shell, launch_frame({}), "printf", "<%s>", "a b", "", "*", "$HOME")

    assert done.stdout == b"<a b><><*><$HOME>"


def test_the_exit_code_is_the_commands(shell: list[str]) -> None:
    assert run(shell, launch_frame({}), "sh", "-c", "exit 7").returncode == 7


def test_a_command_that_is_not_there_is_told_as_shells_tell_it(
    shell: list[str],
) -> None:
    assert run(shell, launch_frame({}), "/no/such/command").returncode == 127


def test_without_a_command_it_takes_nothing(shell: list[str]) -> None:
    assert run(shell, launch_frame({})).returncode == REFUSED
