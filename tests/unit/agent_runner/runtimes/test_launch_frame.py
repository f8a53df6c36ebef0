import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runner.runtimes.errors import LaunchFailedError
from agent_runner.runtimes.launch_frame import (
    AGENT_INIT,
    MAX_LINE_LENGTH,
    NAMES,
    READY,
    REFUSED,
    launch_frame,
    unready,
)


def test_a_frame_is_a_line_for_each_variable_and_their_number() -> None:
    frame = launch_frame({"OPENAI_API_KEY": "sk-1", "AG2TRUST_AGENT_URL": "http://a"})

    assert frame == b"AG2TRUST_AGENT_URL=http://a\nOPENAI_API_KEY=sk-1\nEND 2\n"


def test_an_empty_environment_is_a_frame_too() -> None:
    assert launch_frame({}) == b"END 0\n"


@pytest.mark.parametrize(
    "name", ["PATH", "LD_PRELOAD", "openai_api_key", "", "OPENAI_API_KEY=x\nPATH"]
)
def test_a_name_that_is_not_listed_is_refused(name: str) -> None:
    with pytest.raises(LaunchFailedError, match="may not be given a variable"):
        launch_frame({name: "value"})


@given(st.text(min_size=1).filter(lambda text: not re.fullmatch(r"[!-~]+", text)))
def test_a_value_with_anything_but_graphic_ascii_is_refused(value: str) -> None:
    with pytest.raises(LaunchFailedError, match="not graphic ASCII"):
        launch_frame({"OPENAI_API_KEY": value})


def test_an_empty_value_is_refused() -> None:
    with pytest.raises(LaunchFailedError, match="OPENAI_API_KEY is empty"):
        launch_frame({"OPENAI_API_KEY": ""})


def test_a_line_may_be_as_long_as_the_init_takes_and_no_longer() -> None:
    longest = "x" * (MAX_LINE_LENGTH - len("OPENAI_API_KEY="))

    assert launch_frame({"OPENAI_API_KEY": longest})
    with pytest.raises(LaunchFailedError, match="too long"):
        launch_frame({"OPENAI_API_KEY": longest + "x"})


def test_a_refusal_does_not_tell_the_value() -> None:
    with pytest.raises(LaunchFailedError) as refused:
        launch_frame({"OPENAI_API_KEY": "sk-canary with a space"})

    assert "canary" not in str(refused.value)


def test_the_init_accepts_the_same_names() -> None:
    init = AGENT_INIT.read_text()

    assert set(re.findall(r"\b([A-Z][A-Z0-9_]+)=\*", init)) == NAMES


def test_the_init_speaks_of_the_same_figures() -> None:
    init = AGENT_INIT.read_text()

    assert f"-le {MAX_LINE_LENGTH} ]" in init
    assert f'echo "{READY.decode().strip()}"' in init
    assert f"exit {REFUSED}\n" in init


@pytest.mark.parametrize(
    ("exit_code", "sentence"),
    [
        (None, "The agent vanished before its command ran."),
        (78, "The agent's init refused its environment."),
        (127, "The agent ended with exit code 127, no command ran."),
    ],
)
def test_an_unready_init_is_explained(exit_code: int | None, sentence: str) -> None:
    assert str(unready(exit_code, "")) == sentence


def test_the_last_line_of_an_unready_init_is_told() -> None:
    words = "a warning\nsh: cannot open /ag2trust/init\n"

    sentence = str(unready(2, words))

    assert sentence.endswith("no command ran: sh: cannot open /ag2trust/init")
