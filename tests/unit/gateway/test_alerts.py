from typing import Any

import pytest
from aiohttp import ClientSession

from shared.contracts.alerts import (
    GET_ALERT,
    LIST_ALERT_RULES,
    LIST_ALERTS,
    SILENCE_ALERT,
    UPDATE_ALERT_RULE,
    Alert,
    AlertEvidence,
    AlertRule,
    AlertRuleName,
    AlertRules,
    AlertStatus,
    AlertSubject,
    AlertSubjectKind,
)
from shared.contracts.base import Page
from shared.errors import AlertNotFoundError

from .fakes import Neighbours
from .objects import NOON, ORGANIZATION, SOME_ID

ALERT = Alert(
    id=SOME_ID,
    rule=AlertRuleName.ERROR_RATE,
    subject=AlertSubject(kind=AlertSubjectKind.AGENT, key=str(SOME_ID)),
    status=AlertStatus.OPEN,
    message="9 of 10 calls failed.",
    evidence=AlertEvidence(
        figure=0.9,
        threshold=0.2,
        baseline=0.02,
        unit="failed of all calls",
        since=NOON,
        until=NOON,
        calls=f"/api/calls?agent_id={SOME_ID}",
    ),
    opened_at=NOON,
    last_seen_at=NOON,
)
RULE = AlertRule(name=AlertRuleName.ERROR_RATE, description="Many fail.", enabled=True)


async def test_alerts_are_listed_by_status_and_rule(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(LIST_ALERTS, Page[Alert](data=[ALERT]))

    url = "/api/alerts?status=open&rule=error_rate&limit=7"
    async with client.get(url) as response:
        body = await response.json()

    assert body["data"][0]["evidence"]["figure"] == 0.9
    question = neighbours.question(LIST_ALERTS)
    assert question.org_id == ORGANIZATION
    assert (question.status, question.rule, question.limit) == (
        AlertStatus.OPEN,
        AlertRuleName.ERROR_RATE,
        7,
    )


async def test_an_alert_is_silenced_for_a_while_and_heard_again(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(SILENCE_ALERT, ALERT.model_copy(update={"silenced_until": NOON}))

    path = f"/api/alerts/{SOME_ID}/silence"
    async with client.post(path, json={"until": "2026-12-01T00:00:00Z"}) as response:
        body = await response.json()
    asked = neighbours.question(SILENCE_ALERT)

    assert response.status == 200
    assert body["silenced_until"] is not None
    assert asked.alert_id == SOME_ID
    assert asked.until is not None


@pytest.mark.parametrize(
    "body", [{}, {"until": "tomorrow"}, {"until": None, "forever": True}]
)
async def test_a_silence_says_until_when(client: ClientSession, body: Any) -> None:
    async with client.post(f"/api/alerts/{SOME_ID}/silence", json=body) as response:
        answer = await response.json()

    assert (response.status, answer["error_code"]) == (422, "VALIDATION_FAILED")


async def test_what_is_no_alert_is_not_found(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(GET_ALERT, AlertNotFoundError("There is no such alert."))

    async with client.get(f"/api/alerts/{SOME_ID}") as response:
        body = await response.json()

    assert (response.status, body["error_code"]) == (404, "ALERT_NOT_FOUND")


async def test_rules_are_listed_and_switched(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(LIST_ALERT_RULES, AlertRules(data=[RULE]))
    neighbours.answer(UPDATE_ALERT_RULE, RULE.model_copy(update={"enabled": False}))

    async with client.get("/api/alert-rules") as response:
        listed = await response.json()
    change = {"name": "error_rate", "enabled": False}
    async with client.patch("/api/alert-rules", json=change) as response:
        changed = await response.json()

    assert [each["name"] for each in listed["data"]] == ["error_rate"]
    assert changed["enabled"] is False
    assert neighbours.question(UPDATE_ALERT_RULE).enabled is False
