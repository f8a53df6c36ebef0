"""A webhook from its creation over HTTP to what its receiver verifies."""

import runpy
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.integration.metrics.webhooks.receivers import HOST, receiver

from ag2trust.operator import Operator
from ag2trust.testing import Stack

from .four_services import OWNER_KEY, four_services

pytestmark = pytest.mark.integration

EXAMPLE = Path(__file__).parents[3] / "examples" / "webhooks" / "receive.py"


async def test_what_the_gateway_made_is_delivered_and_believed(stack: Stack) -> None:
    verified: Any = runpy.run_path(str(EXAMPLE))["verified"]
    async with (
        receiver() as receiving,
        four_services(stack, of_metrics={"private_webhook_hosts": [HOST]}) as url,
        aiohttp.ClientSession(url, headers={"X-API-Key": OWNER_KEY}) as session,
    ):
        operator = Operator(session)
        made = await operator.made(
            "/api/webhooks",
            {"name": "pager", "url": receiving.url, "events": ["alert.opened"]},
        )
        delivery = await operator.made(f"/api/webhooks/{made['id']}/test")

    [delivered] = receiving.delivered
    headers = {
        "webhook-id": delivered.id,
        "webhook-timestamp": delivered.timestamp,
        "webhook-signature": delivered.signature,
    }
    told = verified(headers, delivered.body, secret=made["secret"], now=time.time())
    assert delivery["status"] == "delivered"
    assert delivery["id"] == delivered.id
    assert told["type"] == "webhook.test"
