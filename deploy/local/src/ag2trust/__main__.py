"""`ag2trust`: one machine's stack, and everything that a gateway can be asked."""

import click

from .commands.agent_types import agent_types
from .commands.agents import agents
from .commands.alerts import alerts
from .commands.apply import apply
from .commands.ask import ask
from .commands.audit import audit
from .commands.backup import backup, restore
from .commands.budgets import budgets
from .commands.calls import calls
from .commands.completion import completion
from .commands.import_config import import_config
from .commands.jobs import jobs
from .commands.keys import keys
from .commands.mcp_servers import mcp_servers
from .commands.models import models
from .commands.providers import providers
from .commands.stats import stats
from .commands.tool_calls import tool_calls
from .commands.top import top
from .commands.webhooks import webhooks

_WHOLE = 1_000


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ag2trust-local", message="Ag2Trust %(version)s")
def main() -> None:
    """Ag2Trust: agents in containers, and what stands between them and models.

    `run` and `demo` start everything on this machine, `backup` and `restore` take its
    home elsewhere. All others ask a gateway: the one at AG2TRUST_URL, or this
    machine's, as whoever the key in AG2TRUST_API_KEY is.
    """


@main.command(short_help="Start everything on this machine.")
def run() -> None:
    """Start everything on this machine, and say where it is."""
    from . import launching  # noqa: PLC0415 - it takes seconds, and only here

    launching.run()


@main.command(short_help="Start everything, and take a tour.")
def demo() -> None:
    """Start everything, and take a tour against the sandbox provider."""
    from . import launching  # noqa: PLC0415 - it takes seconds, and only here

    launching.demo()


for command in (
    providers,
    models,
    agent_types,
    agents,
    ask,
    calls,
    tool_calls,
    stats,
    top,
    alerts,
    webhooks,
    mcp_servers,
    budgets,
    keys,
    jobs,
    apply,
    import_config,
    audit,
    backup,
    restore,
    completion,
):
    main.add_command(command)


def _say_whole(group: click.Group) -> None:
    """Have lists of commands wrap what each does, where click would cut it."""
    for each in group.commands.values():
        each.short_help = each.get_short_help_str(_WHOLE)
        if isinstance(each, click.Group):
            _say_whole(each)


_say_whole(main)


if __name__ == "__main__":
    main(prog_name="ag2trust")
