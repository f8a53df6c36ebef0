"""Whatever keeps a credential from being whole, in both ways to treat messages.

Each way a credential can fail is brought about for real, and mended.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ag2trust.operator import Operator
from ag2trust.testing import Stack
from ag2trust_sandbox import EXAMPLE_KEY_PAIR, Sandbox

pytestmark = pytest.mark.integration

SONNET = "anthropic.claude-3-5-sonnet-20241022-v2:0"


@dataclass
class Trouble(ABC):
    """A reason why no model can be asked; *code* is how agents are told of it."""

    operator: Operator
    stack: Stack
    sandbox: Sandbox

    code = ""
    model = "sandbox-echo"
    goes_on_as = "completed"

    @abstractmethod
    async def provider(self) -> dict[str, Any]:
        """Make a provider whose credential is not whole."""

    async def mend(self, path: str) -> None:
        await self.changed(path, {"api_key": "sk-a-fresh-key-of-the-sandbox"})

    async def made(self, **fields: Any) -> dict[str, Any]:
        openai = {"name": "p", "type": "openai", "base_url": self.sandbox.base_url}
        return await self.operator.made("/api/providers", openai | fields)

    async def altered(self, statement: str) -> None:
        """Change what is stored behind the product's back."""
        superuser = await self.stack.connect()
        await superuser.execute(statement)
        await superuser.close()

    async def changed(self, path: str, fields: dict[str, Any]) -> None:
        answer = await self.operator.ask("PATCH", path, fields)
        assert answer.status == 200


class Missing(Trouble):
    code = "CREDENTIALS_MISSING"

    async def provider(self) -> dict[str, Any]:
        return await self.made(allow_incomplete=True)


class Undecryptable(Trouble):
    code = "CREDENTIAL_TAMPERED"

    async def provider(self) -> dict[str, Any]:
        provider = await self.made(api_key="sk-a-key-of-the-sandbox-1234")
        await self.altered(
            """
            UPDATE credentials.credential_version
            SET encrypted_key =
                set_byte(encrypted_key, 60, 255 - get_byte(encrypted_key, 60))
            """
        )
        return provider


class Frozen(Trouble):
    code = "CREDENTIALS_FROZEN"

    async def provider(self) -> dict[str, Any]:
        provider = await self.made(api_key="sk-a-key-of-the-sandbox-1234")
        await self.operator.made("/api/master-key/freeze")
        return provider

    async def mend(self, path: str) -> None:
        """Unfreeze; that an agent is tried again at once, a change has to tell."""
        await self.operator.made("/api/master-key/unfreeze")
        await self.changed(path, {"use_case": "thawed"})


class Expired(Trouble):
    code = "CREDENTIALS_EXPIRED"
    model = SONNET
    goes_on_as = "failed"  # for no provider takes a session that nobody gave

    async def provider(self) -> dict[str, Any]:
        ends = datetime.now(UTC) + timedelta(hours=1)
        provider = await self.made(
            type="bedrock",
            base_url=self.sandbox.bedrock_endpoint_url,
            aws_region="us-east-1",
            aws_access_key_id="ASIAIOSFODNN7EXAMPLE",
            aws_secret_access_key=EXAMPLE_KEY_PAIR.secret_access_key,
            aws_session_token="IQoJb3JpZ2luX2VjEXAMPLETOKEN",
            aws_session_expires_at=ends.isoformat(),
        )
        await self.altered(
            "UPDATE credentials.provider SET aws_session_expires_at = now()"
        )
        return provider

    async def mend(self, path: str) -> None:
        await self.changed(path, {"aws_session_token": "IQoJb3JpZ2luX2VjANOTHERTOKEN"})


TROUBLES = [Missing, Expired, Undecryptable, Frozen]
# Why an agent waits makes no difference to what is held for it, so one shows that.
EACH_HELD = [
    pytest.param(it, marks=() if it is Undecryptable else pytest.mark.torture)
    for it in TROUBLES
]


@pytest.fixture(params=TROUBLES)
def trouble(
    request: pytest.FixtureRequest, operator: Operator, stack: Stack, sandbox: Sandbox
) -> Trouble:
    kind: type[Trouble] = request.param
    return kind(operator, stack, sandbox)


async def _waiting_agent(trouble: Trouble, on_ack_only: str) -> tuple[str, str]:
    """Start an agent that cannot work; return its path and its provider's."""
    operator = trouble.operator
    provider = await trouble.provider()
    agent_type = await operator.made(
        "/api/agent-types",
        {
            "name": "t",
            "slug": "t",
            "provider_id": provider["id"],
            "model": trouble.model,
            "on_ack_only": on_ack_only,
        },
    )
    agent = await operator.made(
        "/api/agents", {"name": "a", "agent_type_id": agent_type["id"], "start": True}
    )
    path = f"/api/agents/{agent['id']}"
    waiting = await operator.until(path, seconds=40, status="ack_only")
    assert waiting["status_reason"]["code"] == trouble.code
    return path, f"/api/providers/{provider['id']}"


async def test_messages_are_acknowledged_with_the_reason_and_stay_so(
    trouble: Trouble,
) -> None:
    operator = trouble.operator
    agent, provider = await _waiting_agent(trouble, "acknowledge")

    message = await operator.made(f"{agent}/messages", {"content": "Hello?"})
    await trouble.mend(provider)
    await operator.until(agent, seconds=40, status="running")

    later = await operator.ask("GET", f"/api/messages/{message['message_id']}")
    assert message["status"] == later.body["status"] == "acknowledged"
    assert message["explanation"]["code"] == trouble.code


@pytest.mark.parametrize("trouble", EACH_HELD, indirect=True)
async def test_messages_are_held_and_go_on_once_the_credential_is_whole(
    trouble: Trouble,
) -> None:
    operator = trouble.operator
    agent, provider = await _waiting_agent(trouble, "hold")

    message = await operator.made(
        f"{agent}/messages", {"content": "Hello?", "timeout_seconds": 5}
    )
    await trouble.mend(provider)
    await operator.until(agent, seconds=40, status="running")

    assert message["status"] == "queued"
    await operator.until(
        f"/api/messages/{message['message_id']}", status=trouble.goes_on_as
    )
