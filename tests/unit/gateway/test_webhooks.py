"""`/api/webhooks`: secrets that are sealed at once, and shown once."""

import base64
from typing import Any

import pytest
from aiohttp import ClientSession

from shared.contracts.base import Empty, Page
from shared.contracts.webhook_secrets import (
    WebhookSubmission,
    webhook_submission_binding,
)
from shared.contracts.webhooks import (
    CREATE_WEBHOOK,
    DELETE_WEBHOOK,
    GET_WEBHOOK,
    LIST_DELIVERIES,
    LIST_WEBHOOKS,
    REPLAY_DELIVERIES,
    TEST_WEBHOOK,
    UPDATE_WEBHOOK,
    Delivery,
    DeliveryAttempt,
    DeliveryStatus,
    EventName,
    Replayed,
    Webhook,
)
from shared.errors import WebhookNotFoundError, WebhookUrlForbiddenError
from shared.identity import Identity

from .fakes import Neighbours
from .objects import NOON, SOME_ID

URL = "https://hooks.example.com/services/token-in-the-path?x=1"
SUBMISSION: dict[str, Any] = {"name": "pager", "url": URL, "events": ["alert.opened"]}
ONE = f"/api/webhooks/{SOME_ID}"
WEBHOOK = Webhook(
    id=SOME_ID,
    name="pager",
    origin="https://hooks.example.com",
    events=[EventName.ALERT_OPENED],
    enabled=True,
    version=3,
    created_at=NOON,
    updated_at=NOON,
)
DELIVERY = Delivery(
    id=SOME_ID,
    webhook_id=SOME_ID,
    event_id="1",
    event="alert.opened",
    status=DeliveryStatus.DELIVERED,
    attempts=[DeliveryAttempt(at=NOON, http_status=200, duration_ms=7)],
    created_at=NOON,
)


async def test_a_webhook_is_created_with_a_secret_that_is_shown_once(
    client: ClientSession, neighbours: Neighbours, credentials: Identity
) -> None:
    neighbours.answer(CREATE_WEBHOOK, WEBHOOK)
    neighbours.answer(GET_WEBHOOK, WEBHOOK)

    async with client.post("/api/webhooks", json=SUBMISSION) as response:
        made = await response.json()
    async with client.get(ONE) as shown:
        again = await shown.json()

    asked = neighbours.question(CREATE_WEBHOOK)
    binding = webhook_submission_binding(asked.org_id, asked.webhook_id)
    words = credentials.sealing_key.open(asked.sealed, info=binding)
    submission = WebhookSubmission.model_validate_json(words)
    assert response.status == 201
    assert submission.url.get_secret_value() == URL
    assert submission.secret.get_secret_value() == made["secret"]
    assert len(base64.b64decode(made["secret"].removeprefix("whsec_"))) == 32
    assert asked.origin == "https://hooks.example.com"
    assert "token-in-the-path" not in asked.model_dump_json()
    assert "secret" not in again


async def test_every_webhook_has_a_secret_of_its_own(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(CREATE_WEBHOOK, WEBHOOK)
    secrets = []

    for _ in range(2):
        async with client.post("/api/webhooks", json=SUBMISSION) as response:
            secrets.append((await response.json())["secret"])

    assert secrets[0] != secrets[1]


async def test_webhooks_are_listed_shown_changed_and_deleted(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(LIST_WEBHOOKS, Page(data=[WEBHOOK]))
    neighbours.answer(GET_WEBHOOK, WEBHOOK)
    neighbours.answer(UPDATE_WEBHOOK, WEBHOOK)
    neighbours.answer(DELETE_WEBHOOK, Empty())

    async with client.get("/api/webhooks") as listed:
        page = await listed.json()
    async with client.get(ONE) as shown:
        tag = shown.headers["ETag"]
    change = {"enabled": False}
    async with client.patch(ONE, json=change, headers={"If-Match": tag}) as changed:
        pass
    async with client.delete(ONE) as deleted:
        pass

    assert page["data"][0]["origin"] == "https://hooks.example.com"
    assert (shown.status, changed.status, deleted.status) == (200, 200, 204)
    asked = neighbours.question(UPDATE_WEBHOOK)
    assert (asked.patch.enabled, asked.if_version) == (False, 3)


async def test_a_webhook_is_tested_and_its_deliveries_listed_and_replayed(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(TEST_WEBHOOK, DELIVERY)
    neighbours.answer(LIST_DELIVERIES, Page(data=[DELIVERY]))
    neighbours.answer(REPLAY_DELIVERIES, Replayed(replayed=1))
    replay = {"delivery_ids": [str(SOME_ID)]}

    async with client.post(f"{ONE}/test") as tested:
        delivery = await tested.json()
    async with client.get(f"{ONE}/deliveries?status=delivered&limit=7") as listed:
        page = await listed.json()
    async with client.post(f"{ONE}/replay", json=replay) as replayed:
        told = await replayed.json()

    asked = neighbours.question(LIST_DELIVERIES)
    assert delivery["attempts"][0]["http_status"] == 200
    assert page["data"][0]["event"] == "alert.opened"
    assert (asked.status, asked.limit) == (DeliveryStatus.DELIVERED, 7)
    assert told == {"replayed": 1}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": "hooks.example.com"}, "url"),
        ({"url": "https://user:password@hooks.example.com/"}, "url"),
        ({"events": []}, "events"),
        ({"events": ["alert.closed"]}, "events.0"),
        ({"name": ""}, "name"),
        ({"secret": "whsec_mine"}, "secret"),
    ],
)
async def test_a_webhook_that_makes_no_sense_is_refused_by_field(
    client: ClientSession, change: dict[str, Any], field: str
) -> None:
    async with client.post("/api/webhooks", json=SUBMISSION | change) as response:
        body = await response.json()

    assert (response.status, body["error_code"]) == (422, "VALIDATION_FAILED")
    assert field in [each["field"] for each in body["details"]["fields"]]
    assert "password" not in str(body)


async def test_a_replay_names_what_is_replayed(client: ClientSession) -> None:
    async with client.post(f"{ONE}/replay", json={}) as response:
        body = await response.json()

    assert (response.status, body["error_code"]) == (422, "VALIDATION_FAILED")


async def test_a_url_that_metrics_refuses_is_refused_with_its_reason(
    client: ClientSession, neighbours: Neighbours
) -> None:
    refusal = WebhookUrlForbiddenError("A webhook may not lead into a private network.")
    neighbours.answer(CREATE_WEBHOOK, refusal)

    async with client.post("/api/webhooks", json=SUBMISSION) as response:
        body = await response.json()

    assert (response.status, body["error_code"]) == (422, "WEBHOOK_URL_FORBIDDEN")


async def test_a_webhook_that_is_not_there_is_404(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(GET_WEBHOOK, WebhookNotFoundError("There is no such webhook."))

    async with client.get(ONE) as response:
        body = await response.json()

    assert (response.status, body["error_code"]) == (404, "WEBHOOK_NOT_FOUND")
