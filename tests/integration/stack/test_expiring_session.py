"""A session that ends while its agent runs, and what comes after it."""

from datetime import UTC, datetime, timedelta

import pytest

from ag2trust.operator import Operator

pytestmark = pytest.mark.integration

SONNET = "anthropic.claude-3-5-sonnet-20241022-v2:0"


async def test_an_agent_acknowledges_from_a_sessions_end_until_it_is_renewed(
    operator: Operator,
) -> None:
    ends = datetime.now(UTC) + timedelta(seconds=6)
    provider = await operator.made(
        "/api/providers",
        {
            "name": "bedrock",
            "type": "bedrock",
            "aws_region": "us-east-1",
            "aws_access_key_id": "ASIAIOSFODNN7EXAMPLE",
            "aws_secret_access_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            "aws_session_token": "IQoJb3JpZ2luX2VjEXAMPLETOKEN//////////",
            "aws_session_expires_at": ends.isoformat(),
        },
    )
    agent_type = await operator.made(
        "/api/agent-types",
        {"name": "b", "slug": "b", "provider_id": provider["id"], "model": SONNET},
    )
    agent = await operator.made(
        "/api/agents", {"name": "b", "agent_type_id": agent_type["id"], "start": True}
    )
    path, provider_path = (
        f"/api/agents/{agent['id']}",
        f"/api/providers/{provider['id']}",
    )
    running = await operator.until(path, status="running")

    expired = await operator.until(path, seconds=40, status="ack_only")
    told = await operator.ask("GET", provider_path)
    message = await operator.made(f"{path}/messages", {"content": "Hello?"})
    await operator.ask("PATCH", provider_path, {"aws_session_token": "fresh"})
    renewed = await operator.until(path, status="running")

    assert expired["status_reason"]["code"] == "CREDENTIALS_EXPIRED"
    assert told.body["status"] == "expired"
    assert message["status"] == "acknowledged"
    assert message["explanation"] == expired["status_reason"]
    assert renewed["status_reason"] is None
    assert renewed["started_at"] == running["started_at"]
