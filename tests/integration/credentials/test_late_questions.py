"""Questions that reach a service which stood still: whoever asked has given up."""

from uuid import UUID

import pytest

from ag2trust.testing import Stack
from shared.bus import NatsBus
from shared.contracts.credentials import (
    CREATE_PROVIDER,
    CreateProvider,
    ProviderSubmission,
)
from shared.errors import UnavailableError
from shared.ids import new_id

from .service_process import running_process
from .speaking import API_KEY, Operator

pytestmark = pytest.mark.integration

_ANSWERED_WITHIN_SECONDS = 60


def _question(operator: Operator, name: str, provider_id: UUID) -> CreateProvider:
    submission = ProviderSubmission.model_validate(
        {"name": name, "type": "openai", "api_key": API_KEY}
    )
    return CreateProvider(
        org_id=operator.org_id,
        actor=operator.actor,
        provider_id=provider_id,
        sealed=operator.sealed(submission.model_dump_json(), provider_id),
    )


async def test_what_was_answered_for_lost_is_not_done_when_the_service_wakes(
    stack: Stack, operator: Operator
) -> None:
    async with running_process(stack) as service:
        with service.stopped(), pytest.raises(UnavailableError):
            await operator.create("Too late")
        await operator.create("In time")

        names = [each.name for each in (await operator.list()).data]

    assert names == ["In time"]
    assert "question.came_late" in service.events


async def test_without_an_expiry_it_would_be_done(
    stack: Stack, operator: Operator, gateway: NatsBus
) -> None:
    """Put it as an older asker does, and wait for the answer nobody asked about."""
    question = _question(operator, "Too late", new_id())
    client = gateway._client
    inbox = client.new_inbox()
    answer = await client.subscribe(inbox, max_msgs=1)
    async with running_process(stack) as service:
        with service.stopped():
            await client.publish(
                CREATE_PROVIDER.subject,
                question.model_dump_json().encode(),
                reply=inbox,
                headers={"Ag2trust-Ask-Id": str(new_id())},
            )
            await gateway._settled()
        await answer.next_msg(timeout=_ANSWERED_WITHIN_SECONDS)

        names = [each.name for each in (await operator.list()).data]

    assert names == ["Too late"]
