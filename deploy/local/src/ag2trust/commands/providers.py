"""`ag2trust providers`: whom models are called at, with which secret."""

from collections.abc import Callable
from typing import Any, TypeVar, get_args

import click
from pydantic import SecretStr

from ag2trust_client import Client, every
from ag2trust_client.models import (
    CredentialState,
    Explanation,
    LiveModel,
    Provider,
    ProviderLimitsInput,
    ProviderLimitsOutput,
    ProviderPatch,
    ProviderSubmission,
    ProviderTest,
    ProviderType,
    Rotation,
)

from .calling import calling
from .formats import NOTHING, moment, number, word
from .jobs import follow
from .naming import provider_named
from .output import as_json, progress, said, say_json, show, show_all
from .secret_fields import asked_for, from_environment
from .tables import Column

__all__ = ["providers"]

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

_COLUMNS = [
    Column[Provider]("name", lambda it: it.name),
    Column[Provider]("type", lambda it: it.type),
    Column[Provider]("status", lambda it: it.status if it.enabled else "disabled"),
    Column[Provider]("key", lambda it: _hint(it.credential)),
    Column[Provider]("use case", lambda it: word(it.use_case)),
    Column[Provider]("base url", lambda it: word(it.base_url)),
]
_MODELS = [
    Column[LiveModel]("model", lambda it: it.id),
    Column[LiveModel]("name", lambda it: word(it.name)),
    Column[LiveModel]("owner", lambda it: word(it.owner)),
    Column[LiveModel]("status", lambda it: word(it.status)),
]


@click.group()
def providers() -> None:
    """See and change providers: whom models are called at."""


@providers.command("list")
@as_json
@calling
async def list_providers(client: Client, *, is_json: bool) -> None:
    """List the providers."""
    found = [each async for each in every(client.list_providers)]
    show_all(
        found,
        _COLUMNS,
        is_json=is_json,
        if_none="There are no providers yet; `ag2trust providers add` adds one.",
    )


@providers.command("show", short_help="Show the provider NAME.")
@click.argument("name")
@as_json
@calling
async def show_provider(client: Client, *, name: str, is_json: bool) -> None:
    """Show the provider NAME; of its secret, never more than four letters."""
    _tell(await provider_named(client, name), is_json=is_json)


def _limits(function: FunctionT) -> FunctionT:
    for name, what in (
        ("concurrent", "Calls at once."),
        ("tokens-per-minute", "Tokens a minute."),
        ("requests-per-minute", "Requests a minute."),
    ):
        function = click.option(f"--{name}", type=click.IntRange(min=1), help=what)(
            function
        )
    return function


_from_environment = click.option(
    "--from-environment",
    is_flag=True,
    help="Take the secret from the variable that the provider's SDK reads: "
    "OPENAI_API_KEY, ANTHROPIC_API_KEY, AWS_ACCESS_KEY_ID and so on. Without it you "
    "are asked for it.",
)


@providers.command("add", short_help="Add a provider; its secret is asked for.")
@click.argument("name")
@click.option(
    "--type",
    "provider_type",
    type=click.Choice(get_args(ProviderType)),
    required=True,
    help="How it is spoken to.",
)
@click.option("--base-url", help="Where it is, if not at its type's own address.")
@click.option("--use-case", help="What it is for.")
@click.option("--region", help="Bedrock's region.")
@click.option("--role-arn", help="The AWS role to assume.")
@click.option("--incomplete", is_flag=True, help="Add it without a secret.")
@_limits
@_from_environment
@as_json
@calling
async def add_provider(
    client: Client,
    /,
    *,
    name: str,
    provider_type: ProviderType,
    base_url: str | None,
    use_case: str | None,
    region: str | None,
    role_arn: str | None,
    incomplete: bool,
    from_environment: bool,
    is_json: bool,
    **limits: int | None,
) -> None:
    """Add a provider called NAME; its secret is asked for, not an argument."""
    given = {
        "base_url": base_url,
        "use_case": use_case,
        "aws_region": region,
        "aws_role_arn": role_arn,
        "limits": _limits_of(limits),
    }
    secrets = {} if incomplete else _secrets(provider_type, from_environment)
    body = ProviderSubmission(
        name=name,
        type=provider_type,
        allow_incomplete=incomplete,
        **{field: value for field, value in given.items() if value is not None},
        **secrets,
    )
    _tell(await client.create_provider(body), is_json=is_json)


@providers.command("change")
@click.argument("name")
@click.option("--rename", "new_name", help="Its new name.")
@click.option("--use-case", help="What it is for.")
@click.option("--enabled/--disabled", default=None, help="Whether calls go there.")
@click.option("--no-limits", is_flag=True, help="Lift all limits but those named here.")
@_limits
@as_json
@calling
async def change_provider(
    client: Client,
    /,
    *,
    name: str,
    new_name: str | None,
    use_case: str | None,
    enabled: bool | None,
    no_limits: bool,
    is_json: bool,
    **limits: int | None,
) -> None:
    """Change the provider NAME; what is not named stays."""
    provider = await provider_named(client, name)
    given = {
        "name": new_name,
        "use_case": use_case,
        "enabled": enabled,
        "limits": _limits_of(limits, provider.limits, are_lifted=no_limits),
    }
    told: dict[str, Any] = {key: it for key, it in given.items() if it is not None}
    if not told:
        raise click.UsageError("There is nothing to change.")
    body = ProviderPatch(**told)
    changed = await client.update_provider(
        provider.id, body, if_match=str(provider.version)
    )
    _tell(changed, is_json=is_json)


@providers.command("replace-key", short_help="Give the provider NAME another secret.")
@click.argument("name")
@_from_environment
@as_json
@calling
async def replace_key(
    client: Client, *, name: str, from_environment: bool, is_json: bool
) -> None:
    """Give the provider NAME another secret; the old one is destroyed.

    Calls use the new one at once. It reaches an agent's environment at its restart.
    """
    provider = await provider_named(client, name)
    body = ProviderPatch(**_secrets(provider.type, from_environment))
    changed = await client.update_provider(
        provider.id, body, if_match=str(provider.version)
    )
    _tell(changed, is_json=is_json)


@providers.command("rotate", short_help="Give NAME a new secret everywhere; waits.")
@click.argument("name")
@click.option("--to", "successor", help="Move agent types to this provider instead.")
@click.option("--delete-old", is_flag=True, help="Delete NAME at the end.")
@click.option("--model", help="Ask this model in the test; Bedrock may need one.")
@_from_environment
@as_json
@calling
async def rotate(
    client: Client,
    *,
    name: str,
    successor: str | None,
    delete_old: bool,
    model: str | None,
    from_environment: bool,
    is_json: bool,
) -> None:
    """Give the provider NAME a new secret everywhere, in a job that is waited for.

    The secret is tested, stored, and reaches the agents by restarts, one after another.
    With --to another provider takes its place. Exits with 1 if it was rolled back.
    """
    if delete_old and not successor:
        raise click.UsageError("--delete-old goes with --to: what takes its place.")
    provider = await provider_named(client, name)
    given: dict[str, Any] = {"model": model} if model else {}
    if successor:
        other = await provider_named(client, successor)
        given |= {"to_provider_id": other.id, "delete_old": delete_old}
    else:
        given |= _secrets(provider.type, from_environment)
    job = await client.rotate_provider(provider.id, Rotation(**given))
    await follow(client, job, is_json=is_json)


@providers.command("test", short_help="Make one cheap call to the provider NAME.")
@click.argument("name")
@click.option("--model", help="Ask this model for a token; Bedrock needs one.")
@as_json
@calling
async def test_provider(
    client: Client, *, name: str, model: str | None, is_json: bool
) -> None:
    """Make one cheap call to the provider NAME; exit with 1 if it fails."""
    provider = await provider_named(client, name)
    with progress() as tell:
        tell(f"Calling {name}")
        result = await client.test_provider(
            provider.id, ProviderTest(model=model) if model else None
        )
    show(result, _test_facts(result.latency_ms, result.explanation), is_json=is_json)
    if not result.ok:
        raise click.exceptions.Exit(1)


@providers.command("models")
@click.argument("name")
@click.option("--region", help="One of Bedrock's regions.")
@as_json
@calling
async def list_live_models(
    client: Client, *, name: str, region: str | None, is_json: bool
) -> None:
    """List the models that the provider NAME itself lists."""
    provider = await provider_named(client, name)
    with progress() as tell:
        tell(f"Asking {name}")
        listed = await client.list_live_models(provider.id, region=region)
    show_all(listed.data, _MODELS, is_json=is_json, if_none="It lists no models.")
    if listed.explanation and not is_json:
        said(f"{listed.explanation.message} {listed.explanation.fix}")


@providers.command("iam-policy", short_help="Print the least IAM policy, for Bedrock.")
@click.argument("name")
@click.option("--models", help="For these models, by commas; else those in use.")
@click.option("--account", help="The AWS account, for the ids that need it.")
@calling
async def iam_policy(
    client: Client, *, name: str, models: str | None, account: str | None
) -> None:
    """Print the least IAM policy for the Bedrock provider NAME, in JSON."""
    provider = await provider_named(client, name)
    made = await client.get_iam_policy(provider.id, models=models, account=account)
    say_json(made.policy)
    for note in made.notes:
        said(note)


@providers.command("delete", short_help="Delete the provider NAME and its secret.")
@click.argument("name")
@calling
async def delete_provider(client: Client, *, name: str) -> None:
    """Delete the provider NAME and its secret, if no active agent uses it."""
    provider = await provider_named(client, name)
    await client.delete_provider(provider.id)
    said(f"{provider.name} is deleted.")


def _secrets(
    provider_type: ProviderType,
    is_in_environment: bool,  # noqa: FBT001 - private
) -> dict[str, SecretStr]:
    ask = from_environment if is_in_environment else asked_for
    return ask(provider_type)


def _limits_of(
    given: dict[str, int | None],
    kept: ProviderLimitsOutput | None = None,
    *,
    are_lifted: bool = False,
) -> ProviderLimitsInput | None:
    """Return the whole limits, for they are changed as a whole; None as they are."""
    limits = {name: value for name, value in given.items() if value is not None}
    if not limits and not are_lifted:
        return None
    if kept and not are_lifted:
        limits = {**kept.model_dump(), **limits}
    return ProviderLimitsInput(**limits)


def _tell(provider: Provider, *, is_json: bool) -> None:
    credential, limits = provider.credential, provider.limits
    pairs = [
        ("name", provider.name),
        ("id", str(provider.id)),
        ("type", provider.type),
        ("status", provider.status if provider.enabled else "disabled"),
        ("base URL", word(provider.base_url)),
        ("region", word(provider.aws_region)),
        ("use case", word(provider.use_case)),
        ("labels", word(provider.labels)),
        ("key", _key(credential)),
        ("missing", word(credential.missing)),
        ("expires", moment(credential.expires_at)),
        ("requests a minute", number(limits.requests_per_minute)),
        ("tokens a minute", number(limits.tokens_per_minute)),
        ("at once", number(limits.concurrent)),
        ("changed", moment(provider.updated_at)),
    ]
    show(provider, pairs, is_json=is_json)


def _hint(credential: CredentialState) -> str:
    """Say its last letters; of one too short to show any, that there is one."""
    return credential.hint or ("set" if credential.fields else NOTHING)


def _key(credential: CredentialState) -> str:
    """Say its last letters, if it is long enough to show some, and its version."""
    if not credential.fields:
        return NOTHING
    version = f"version {credential.version}"
    return f"{credential.hint}, {version}" if credential.hint else version


def _test_facts(
    latency_ms: int | None, explanation: Explanation | None
) -> list[tuple[str, str]]:
    took = f"{latency_ms} ms" if latency_ms is not None else "-"
    if explanation is None:
        return [("answer", "ok"), ("took", took)]
    return [
        ("answer", explanation.message),
        ("code", explanation.code),
        ("cause", explanation.cause),
        ("fix", explanation.fix),
        ("took", took),
    ]
