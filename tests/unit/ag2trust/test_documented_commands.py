"""Every `ag2trust …` in a fence of the documents is what the program understands."""

import re
import shlex
from pathlib import Path

import click
import pytest

from ag2trust.__main__ import main as program

REPOSITORY = Path(__file__).parents[3]
FENCE = re.compile(r"```sh\n(.*?)```", re.DOTALL)
COMMAND = re.compile(r"^(?:[A-Z0-9_]+=\S+ )*ag2trust (.+)$", re.MULTILINE)
UNQUOTED = set("<>|;&")


def documented() -> list[str]:
    pages = (REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md")))
    return [
        line
        for page in pages
        for fence in FENCE.findall(page.read_text())
        for line in COMMAND.findall(fence)
    ]


def understood(words: list[str]) -> click.Context:
    """Parse *words* down to the last command; raise `click.UsageError`."""
    command: click.Command = program
    context = click.Context(program, info_name="ag2trust", **program.context_settings)
    while isinstance(command, click.Group):
        name, *words = words
        found = command.get_command(context, name)
        if found is None:
            raise click.UsageError(f"there is no command {name!r}")
        command, context = found, click.Context(found, parent=context)
    context.args = command.parse_args(context, words)
    return context


def words_of(line: str) -> list[str]:
    """Return the words up to what the shell itself understands."""
    words = shlex.split(line, comments=True)
    ends = (at for at, word in enumerate(words) if UNQUOTED & set(word))
    return words[: next(ends, len(words))]


@pytest.mark.parametrize("line", documented())
def test_a_documented_command_is_understood(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = words_of(line)
    for name in ("ag2trust.backup", "config.yaml"):
        (tmp_path / name).touch()
    (tmp_path / "keys-elsewhere").mkdir()

    context = understood(words)
    context.close()  # it has opened the files named

    assert context.command is not program


def test_what_is_no_command_is_found() -> None:
    with pytest.raises(click.UsageError):
        understood(["providers", "rotate", "openai", "--no-such-option"])
    with pytest.raises(click.UsageError):
        understood(["no-such-command"])
