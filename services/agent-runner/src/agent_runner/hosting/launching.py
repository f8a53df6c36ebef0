"""What an agent's process is told: its environment, by provider type and delivery.

Under *environment* delivery it is given the provider's own secrets, and its token
stands in the address. Under *sealed* delivery its token stands for the secrets, which
stay here: that is how temporary keys of an assumed role are kept, which change while a
process runs, and a Bedrock bearer key, which boto3 sends over https alone.
"""

from agent_runner.hosted_agents import HostedAgent
from agent_runner.runtimes.runtime import Launch, Resources
from shared.contracts.agent_types import CredentialDelivery
from shared.contracts.credentials import LeasedCredential, ProviderType

__all__ = ["delivered_secrets", "environment_of", "launch_of"]

_SCHEME = "http"
_ANY_REGION = "us-east-1"


def launch_of(agent: HostedAgent, *, image: str, port: int) -> Launch:
    """Describe the process of *agent*, which reaches us at its address and *port*.

    *image* is what it runs if its type names none.
    """
    resources = agent.agent_type.resources
    return Launch(
        agent_id=agent.id,
        org_id=agent.org_id,
        epoch=agent.host.epoch,
        image=agent.agent_type.image or image,
        environment=environment_of(
            agent.lease.credential,
            delivery=agent.agent_type.credential_delivery,
            token=agent.token,
            proxy_url=f"{_SCHEME}://{agent.address}:{port}",
        ),
        secrets=agent.secrets,
        resources=Resources(
            memory_mb=resources.memory_mb, cpus=resources.cpus, pids=resources.pids
        ),
    )


def environment_of(
    credential: LeasedCredential,
    *,
    delivery: CredentialDelivery,
    token: str,
    proxy_url: str,
) -> dict[str, str]:
    """Return all variables of an agent's process.

    It may speak the format of every type of provider; only that of its own brings it
    secrets, and in the others its token is the key.
    """
    is_https = proxy_url.startswith("https://")
    secrets = _delivered(credential, delivery, is_https=is_https)
    told = {
        "AG2TRUST_AGENT_URL": proxy_url,
        "AG2TRUST_AGENT_TOKEN": token,
        **_aws_region(credential),
    }
    for each in ProviderType:
        own = secrets if each is credential.type else {}
        told |= _variables(each, own, token=token, proxy_url=proxy_url)
    return told


def delivered_secrets(
    credential: LeasedCredential, delivery: CredentialDelivery
) -> frozenset[str]:
    """Return the secrets a process is given: its calls are recognized by them."""
    delivered = _delivered(credential, delivery, is_https=_SCHEME == "https")
    return frozenset(delivered.values())


def _delivered(
    credential: LeasedCredential, delivery: CredentialDelivery, *, is_https: bool
) -> dict[str, str]:
    """Return the secrets that leave for the process; none under sealed delivery."""
    is_bearer = credential.type is ProviderType.BEDROCK and (
        "api_key" in credential.fields
    )
    is_sealed = delivery is CredentialDelivery.SEALED
    if is_sealed or credential.is_assumed or (is_bearer and not is_https):
        return {}
    return {name: each.get_secret_value() for name, each in credential.fields.items()}


def _variables(
    provider_type: ProviderType, secrets: dict[str, str], *, token: str, proxy_url: str
) -> dict[str, str]:
    """Name key and address as the official SDK of *provider_type* does."""
    way = f"{proxy_url}/a/{token}" if secrets else proxy_url
    match provider_type:
        case ProviderType.OPENAI:
            return {
                "OPENAI_API_KEY": secrets.get("api_key", token),
                "OPENAI_BASE_URL": f"{way}/openai/v1",
            }
        case ProviderType.ANTHROPIC:
            return {
                "ANTHROPIC_API_KEY": secrets.get("api_key", token),
                "ANTHROPIC_BASE_URL": f"{way}/anthropic",
            }
        case ProviderType.BEDROCK:
            address = {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": f"{way}/bedrock"}
            return _aws_keys(secrets, token) | address


def _aws_keys(secrets: dict[str, str], token: str) -> dict[str, str]:
    """Name the secrets as AWS's SDKs do; a token is key id and key at once."""
    if not secrets:
        return {"AWS_ACCESS_KEY_ID": token, "AWS_SECRET_ACCESS_KEY": token}
    if "api_key" in secrets:
        return {"AWS_BEARER_TOKEN_BEDROCK": secrets["api_key"]}
    return {name.upper(): secret for name, secret in secrets.items()}


def _aws_region(credential: LeasedCredential) -> dict[str, str]:
    """Tell the region twice: boto3 reads one name, other SDKs the other.

    They make no client without a region; the proxy signs for the provider's own.
    """
    region = credential.aws_region or _ANY_REGION
    return {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}
