"""What receivers read."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from metrics.webhooks.bodies import TEST, event_of_a_test, happened
from shared.event_feed import TakenEvent
from shared.ids import new_id

ORG = UUID(int=1)
NOON = datetime(2026, 1, 1, 12, 0, 0, 250000, tzinfo=UTC)


def test_an_event_is_told_with_its_name_its_time_and_all_that_it_says() -> None:
    event = TakenEvent(
        organization=str(ORG),
        id="one",
        name="alert.opened",
        kept_at=NOON,
        payload='{"id":"one","what":"ümläut"}'.encode(),
        receipt="",
    )

    told = happened(event)

    assert told.org_id == ORG
    assert (told.event_id, told.event, told.kept_at) == ("one", "alert.opened", NOON)
    assert json.loads(told.body) == {
        "type": "alert.opened",
        "timestamp": "2026-01-01T12:00:00.250000Z",
        "data": {"id": "one", "what": "ümläut"},
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"payload": b"not json"},
        {"payload": b"\xff"},
        {"organization": "everybody"},
        {"id": ""},
        {"id": "a\x00b"},
        {"id": "a" * 3000},
        {"payload": b"[" * 100_000},
        {"payload": b'"\\ud800"'},
        {"payload": b"[NaN]"},
    ],
)
def test_what_is_no_event_of_ours_is_refused(wrong: dict[str, Any]) -> None:
    event = TakenEvent(str(ORG), "one", "alert.opened", NOON, b"{}", "")

    with pytest.raises(ValueError):  # noqa: PT011 - whatever is wrong with it
        happened(replace(event, **wrong))


def test_a_test_is_told_as_one() -> None:
    told = event_of_a_test(new_id(), at=NOON)

    assert json.loads(told.body)["type"] == TEST == told.event
