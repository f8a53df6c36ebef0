"""docker-compose.yml with its overlay for AWS KMS, put on an installation that runs."""

import json
import secrets
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from ag2trust.operator import Operator
from ag2trust_sandbox import Sandbox

from .composed import Composed, composed
from .kms_of_moto import ACCOUNT, REGION, Kms, kms_of_moto
from .reaching import address_for_containers
from .runbooks import RETIRING

pytestmark = [
    pytest.mark.docker,
    pytest.mark.stack,
    pytest.mark.torture,
    pytest.mark.timeout(600),
    pytest.mark.asyncio(loop_scope="module"),
]

PROVIDER_KEY = f"sk-fake-{secrets.token_hex(16)}"


@pytest.fixture
def kms() -> Iterator[Kms]:
    with kms_of_moto() as running:
        yield running


async def test_secrets_move_under_kms_and_are_opened_by_it_alone(
    kms: Kms, sandbox: Sandbox, tmp_path: Path
) -> None:
    async with composed() as (local, operator):
        ids = await operator.running_agent(sandbox.base_url, PROVIDER_KEY)
        ours = await in_kms(local, kms, tmp_path)
        try:
            await ours.stop()
            await ours.typed(RETIRING)
            await ours.up()
            state = (await operator.ask("GET", "/api/master-key")).body
            await operator.made("/api/master-key/rewrap")
            await operator.until("/api/master-key", data_keys={kms.arn: 1})

            await ours.stop()
            await ours.vault("rm master-key/retired-1.key")
            await ours.up()

            assert state["master_key_id"] == kms.arn
            assert kms.arn not in state["data_keys"]
            await answers(operator, ids["agent_id"])
            shown = json.dumps(await ours.containers())
            hidden = (PROVIDER_KEY, *ACCOUNT.values())
            assert [each for each in hidden if each in shown] == []

            kms.disappear()
            tested = await operator.ask(
                "POST", f"/api/providers/{ids['provider_id']}/test"
            )
            assert tested.status == HTTPStatus.SERVICE_UNAVAILABLE
            assert tested.body["error_code"] == "MASTER_KEY_UNAVAILABLE"
        finally:
            await ours.down_with_volumes()


async def in_kms(local: Composed, kms: Kms, folder: Path) -> Composed:
    """Put the overlay on *local*, with AWS's credentials below *folder*."""
    aws = folder / "aws"
    aws.mkdir()
    account = "".join(f"{key} = {value}\n" for key, value in ACCOUNT.items())
    (aws / "credentials").write_text(f"[default]\n{account}")
    return local.under(
        "aws-kms.yml",
        AG2TRUST_MASTER_KEY_ALIAS=kms.alias,
        AG2TRUST_MASTER_KEY_REGION=REGION,
        AG2TRUST_MASTER_KEY_ENDPOINT_URL=(
            f"http://{await address_for_containers()}:{kms.port}"
        ),
        AG2TRUST_AWS_FOLDER=str(aws),
    )


async def answers(operator: Operator, agent_id: str) -> None:
    agent = f"/api/agents/{agent_id}"
    await operator.until(agent, status="running")
    answer = await operator.made(f"{agent}/messages", {"content": "Under KMS?"})
    assert answer["content"].endswith("You said: Under KMS?")
