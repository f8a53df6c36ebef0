"""Where secrets come from: variables or a prompt, never an argument."""

import os
import sys
from collections.abc import Mapping

import click
from pydantic import SecretStr

__all__ = ["asked_for", "from_environment"]

_VARIABLES: Mapping[str, Mapping[str, str]] = {
    "openai": {"api_key": "OPENAI_API_KEY"},
    "anthropic": {"api_key": "ANTHROPIC_API_KEY"},
    "bedrock": {
        "aws_access_key_id": "AWS_ACCESS_KEY_ID",
        "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY",
        "aws_session_token": "AWS_SESSION_TOKEN",
        "api_key": "AWS_BEARER_TOKEN_BEDROCK",
    },
}
_PROMPTED: Mapping[str, tuple[str, ...]] = {
    "openai": ("api_key",),
    "anthropic": ("api_key",),
    "bedrock": ("aws_access_key_id", "aws_secret_access_key"),
}


def from_environment(provider_type: str) -> dict[str, SecretStr]:
    """Return the secrets in the variables that the provider's own SDK reads."""
    variables = _VARIABLES[provider_type]
    found = {
        field: SecretStr(os.environ[variable])
        for field, variable in variables.items()
        if os.environ.get(variable)
    }
    if "aws_secret_access_key" in found:
        found.pop("api_key", None)  # a provider has the one or the other
    if not found:
        raise click.UsageError(f"None of {', '.join(variables.values())} is set.")
    return found


def asked_for(provider_type: str) -> dict[str, SecretStr]:
    """Ask for the secrets a provider of this type mostly has, unseen.

    Without a terminal they are lines of standard input.
    """
    return {field: _asked(field) for field in _PROMPTED[provider_type]}


def _asked(field: str) -> SecretStr:
    if sys.stdin.isatty():
        return SecretStr(click.prompt(field, hide_input=True, err=True))
    line = sys.stdin.readline().strip()
    if not line:
        raise click.UsageError(
            f"There is no {field}: say --from-environment, or give it as a line of "
            "standard input."
        )
    return SecretStr(line)
