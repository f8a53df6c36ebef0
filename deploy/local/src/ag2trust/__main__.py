"""`ag2trust`: one machine's stack, and everything that a gateway can be asked."""

import click

from .late_group import LateGroup

_PLACES = {
    "agent-types": "ag2trust.commands.agent_types:agent_types",
    "agents": "ag2trust.commands.agents:agents",
    "alerts": "ag2trust.commands.alerts:alerts",
    "apply": "ag2trust.commands.apply:apply",
    "ask": "ag2trust.commands.ask:ask",
    "audit": "ag2trust.commands.audit:audit",
    "backup": "ag2trust.commands.backup:backup",
    "budgets": "ag2trust.commands.budgets:budgets",
    "calls": "ag2trust.commands.calls:calls",
    "completion": "ag2trust.commands.completion:completion",
    "import": "ag2trust.commands.import_config:import_config",
    "jobs": "ag2trust.commands.jobs:jobs",
    "keys": "ag2trust.commands.keys:keys",
    "mcp-servers": "ag2trust.commands.mcp_servers:mcp_servers",
    "models": "ag2trust.commands.models:models",
    "providers": "ag2trust.commands.providers:providers",
    "restore": "ag2trust.commands.backup:restore",
    "stats": "ag2trust.commands.stats:stats",
    "tool-calls": "ag2trust.commands.tool_calls:tool_calls",
    "top": "ag2trust.commands.top:top",
    "webhooks": "ag2trust.commands.webhooks:webhooks",
}


@click.group(
    cls=LateGroup,
    places=_PLACES,
    context_settings={"help_option_names": ["-h", "--help"]},
)
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


if __name__ == "__main__":
    main(prog_name="ag2trust")
