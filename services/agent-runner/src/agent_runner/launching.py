"""What an agent's process is told: its environment, by provider type and delivery."""

import hashlib

from shared.contracts.credentials import LeasedCredential

from .hosted_agents import HostedAgent
from .runtime import Launch, Resources

__all__ = ["delivered_keys", "launch_of"]


def launch_of(agent: HostedAgent, *, image: str, port: int) -> Launch:
    """Describe the process of *agent*, which reaches us at its address and *port*."""
    base = f"http://{agent.address}:{port}"
    key = agent.lease.credential.fields["api_key"].get_secret_value()
    resources = agent.agent_type.resources
    return Launch(
        agent_id=agent.id,
        org_id=agent.org_id,
        epoch=agent.host.epoch,
        image=image,
        environment={
            "AG2TRUST_AGENT_URL": base,
            "AG2TRUST_AGENT_TOKEN": agent.token,
            "OPENAI_API_KEY": key,
            "OPENAI_BASE_URL": f"{base}/a/{agent.token}/openai/v1",
        },
        secrets=agent.secrets,
        resources=Resources(
            memory_mb=resources.memory_mb, cpus=resources.cpus, pids=resources.pids
        ),
    )


def delivered_keys(credential: LeasedCredential) -> frozenset[bytes]:
    """Hash the keys a process is given: its calls are recognized by them."""
    return frozenset(
        hashlib.sha256(each.get_secret_value().encode()).digest()
        for each in credential.fields.values()
    )
