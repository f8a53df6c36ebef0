"""A group of commands, each imported when it is asked for."""

from collections.abc import Mapping
from pkgutil import resolve_name
from typing import Any

import click

__all__ = ["LateGroup"]

_WHOLE = 1_000


class LateGroup(click.Group):
    """A group that has, beside its own, the commands at *places*.

    A place is spelled `package.module:command`; its module is imported once somebody
    asks for the command, or for help on all.
    """

    def __init__(self, *, places: Mapping[str, str], **others: Any) -> None:
        super().__init__(**others)
        self._places = places

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self._places})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self._places and cmd_name not in self.commands:
            self.add_command(_say_whole(resolve_name(self._places[cmd_name])), cmd_name)
        return super().get_command(ctx, cmd_name)


def _say_whole(command: click.Command) -> click.Command:
    """Have lists of commands wrap what each does, where click would cut it."""
    command.short_help = command.get_short_help_str(_WHOLE)
    if isinstance(command, click.Group):
        for each in command.commands.values():
            _say_whole(each)
    return command
