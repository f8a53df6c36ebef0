"""Write docs/cli.md of what the commands say of themselves, as `make generate` does."""

from collections.abc import Iterator
from pathlib import Path

import click

from ag2trust.__main__ import main as program
from ag2trust.commands.calling import EXIT_CODES

PAGE = Path(__file__).parents[3] / "docs" / "cli.md"

_WIDTH = 88
_INTRODUCTION = """\
# The command line

Made by `make generate` of what each command says with `--help`.

`ag2trust run` starts everything on this machine, and `backup` and `restore` take it to
another disk ([operations](operations.md)). All other commands ask a gateway: the
one at `--url` or `AG2TRUST_URL`, else this machine's. They ask as whoever the API key
is: in `AG2TRUST_API_KEY`, in the file that `--key-file` or `AG2TRUST_API_KEY_FILE`
names, or in the home of this machine's stack. A secret is never an argument, for every
process can read those: it is in a variable, a line of standard input, or asked for.

Things are told by their names or ids, agent types by their slugs. Tables are for
people: in a terminal that is too narrow, the rest of a row stands below it; elsewhere
each row is a line. `--json` says the API's own objects. What is no result (progress,
hints, errors) goes to standard error.

`eval "$(ag2trust completion bash)"` lets the tab key complete commands and options; so
can zsh and fish.
"""


def page() -> str:
    codes = "\n".join(f"| {code} | {what} |" for code, what in EXIT_CODES.items())
    commands = "\n".join(_told(_context(program, "ag2trust")))
    return (
        f"{_INTRODUCTION}\n## Exit codes\n\n| code | |\n|---|---|\n{codes}\n\n"
        "What `run`, `demo`, `backup`, `restore` and `audit verify` exit with is in "
        "sysexits.h too.\n\n"
        f"## Commands\n{commands}"
    )


def _context(
    command: click.Command, name: str, parent: click.Context | None = None
) -> click.Context:
    return click.Context(
        command,
        info_name=name,
        parent=parent,
        terminal_width=_WIDTH,
        max_content_width=_WIDTH,
        help_option_names=["-h", "--help"],
    )


def _told(context: click.Context) -> Iterator[str]:
    command = context.command
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            if each := command.get_command(context, name):
                yield from _told(_context(each, name, context))
    else:
        yield f"\n### {context.command_path}\n\n```\n{command.get_help(context)}\n```"


def main() -> None:
    PAGE.write_text(f"{page()}\n")


if __name__ == "__main__":
    main()
