"""What the AsyncAPI document says of the events that are published."""

import json
from typing import Any
from uuid import UUID

import pytest

from shared.asyncapi import describe_events
from shared.cloud_events import attributes

from .contracts_at_hand import TOPICS
from .write_asyncapi import COPY, text_of_events
from .write_samples import sample_file

DOCUMENT = describe_events(TOPICS)


def test_the_copy_is_up_to_date() -> None:
    how = "run python -m tests.unit.shared.write_asyncapi and review what changed"

    assert COPY.read_text() == text_of_events(), how


def test_every_topic_has_its_channel_and_no_other_has() -> None:
    addresses = {each["address"] for each in DOCUMENT["channels"].values()}

    assert addresses == {each.subject("{organization}") for each in TOPICS}


def test_every_reference_leads_somewhere() -> None:
    for reference in references(DOCUMENT):
        found: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        assert found


def references(value: Any) -> list[str]:
    match value:
        case {"$ref": str(reference)}:
            return [reference]
        case dict():
            return [each for inner in value.values() for each in references(inner)]
        case list():
            return [each for inner in value for each in references(inner)]
        case _:
            return []


@pytest.mark.parametrize("topic", TOPICS, ids=lambda each: each.subject("x"))
def test_what_is_published_is_what_is_described(topic: Any) -> None:
    name = f"{topic.noun}_{topic.participle}"
    event = topic.event.model_validate_json(sample_file(topic.event).read_text())
    schema = DOCUMENT["components"]["schemas"][topic.event.__name__]

    headers = DOCUMENT["components"]["messages"][name]["headers"]
    told = attributes(topic, event.id, event.org_id)

    assert set(headers["required"]) <= set(told)
    for header, described in headers["properties"].items():
        assert told[header] == described.get("const", told[header])
    payload = json.loads(event.model_dump_json())
    assert set(schema["required"]) <= set(payload) <= set(schema["properties"])


@pytest.mark.parametrize("topic", TOPICS, ids=lambda each: each.subject("x"))
def test_no_event_has_a_field_for_content(topic: Any) -> None:
    fields = property_names(topic.event.model_json_schema())

    assert not fields & {"content", "prompt", "reply", "messages", "text", "arguments"}


def property_names(value: Any) -> set[str]:
    match value:
        case dict():
            own = set(value.get("properties", {}))
            return own.union(*(property_names(each) for each in value.values()))
        case list():
            return set[str]().union(*(property_names(each) for each in value))
        case _:
            return set()


def test_id_and_source_tell_one_event_from_all_others() -> None:
    [topic, *_] = TOPICS
    event = topic.event.model_validate_json(sample_file(topic.event).read_text())

    told = attributes(topic, event.id, event.org_id)

    assert UUID(told["ce-id"]) == event.id
    assert told["ce-source"] == f"/organizations/{event.org_id}"
