"""The contracts: their subjects, who may use them, and that they only grow."""

import json
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from shared.bus import answer
from shared.contracts import agent_runner
from shared.contracts.agent_types import (
    UPDATE_AGENT_TYPE,
    AgentType,
    AgentTypePatch,
    UpdateAgentType,
)
from shared.contracts.base import (
    Actor,
    Bytes,
    Empty,
    Endpoint,
    Message,
    Secret,
    Service,
)
from shared.contracts.webhooks import EventName
from shared.testing import FakeBus

from .contracts_at_hand import ENDPOINTS, MESSAGES, SIGNALS, TOPICS
from .write_samples import permission_table, sample_file

SAMPLES = Path(__file__).parent / "samples"
HOW = "run python -m tests.unit.shared.write_samples and review what it writes"

_NAME = r"[a-z][a-z0-9_]*"
_QUESTION = re.compile(rf"{_NAME}\.v\d+(\.runner\.\{{runner\}})?\.{_NAME}")
_SIGNAL = re.compile(rf"{_NAME}\.v\d+\.signals\.{_NAME}(\.\{{key\}})?")


class Letter(Message):
    secret: Secret
    raw: Bytes = b""


def _head(subject: str) -> str:
    return subject.partition(".")[0]


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda each: each.subject)
def test_a_question_is_addressed_to_the_service_that_answers(endpoint: Any) -> None:
    assert _QUESTION.fullmatch(endpoint.subject)
    assert _head(endpoint.subject) in set(Service)
    assert endpoint.askers


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda each: each.subject)
def test_a_signal_bears_its_senders_name(signal: Any) -> None:
    assert _SIGNAL.fullmatch(signal.subject)
    assert _head(signal.subject) == signal.sender
    assert signal.hearers


def test_no_subject_is_used_twice() -> None:
    subjects = Counter(
        [
            *(each.subject for each in ENDPOINTS),
            *(each.subject for each in SIGNALS),
            *(each.subject("x") for each in TOPICS),
        ]
    )

    assert [subject for subject, times in subjects.items() if times > 1] == []


def test_the_stream_of_events_takes_in_no_question_and_no_signal() -> None:
    prefix = "ag2trust.v1.events."

    assert all(each.subject("x").startswith(prefix) for each in TOPICS)
    assert _head(prefix) not in set(Service)


def test_a_question_may_be_answered_for_as_long_as_it_is_asked() -> None:
    """A NATS login may answer for two minutes (`ag2trust.nats_server`)."""
    for each in ENDPOINTS:
        assert timedelta(0) < each.deadline < timedelta(minutes=2)


def test_who_may_say_and_hear_what_is_as_it_was_reviewed() -> None:
    reviewed = (SAMPLES / "permissions.txt").read_text()

    assert permission_table() == reviewed, HOW


def test_every_contract_has_its_permissions() -> None:
    table = permission_table()

    for each in ENDPOINTS:
        subject = each.subject.replace("{runner}", "*")
        assert f"{_head(subject)} subscribe {subject}\n" in table
        for asker in each.askers:
            assert f"{asker} publish {subject}\n" in table
    for signal in SIGNALS:
        assert f"{signal.sender} publish {signal.of('*')}\n" in table
    for topic in TOPICS:
        assert f"{topic.publisher} publish {topic.subject('*')}\n" in table


def test_no_inbox_is_part_of_another() -> None:
    prefixes = [each.inbox_prefix for each in Service]

    assert len(set(prefixes)) == len(Service)
    assert all(prefix.startswith("_INBOX_") for prefix in prefixes)
    assert not any("." in prefix or "*" in prefix for prefix in prefixes)


def test_every_message_has_a_sample_and_every_sample_a_message() -> None:
    expected = {sample_file(each) for each in MESSAGES}

    assert set(SAMPLES.rglob("*.json")) == expected, HOW


@pytest.mark.parametrize("message", MESSAGES, ids=lambda each: each.__name__)
def test_what_was_once_sent_can_still_be_read(message: type[Message]) -> None:
    sample = sample_file(message).read_text()

    read = message.model_validate_json(sample)

    again = read.model_dump_json()
    assert message.model_validate_json(again) == read
    assert _fields(json.loads(sample)) <= _fields(json.loads(again))


def _fields(value: Any, path: str = "") -> set[str]:
    """Return the paths of all fields, so that one that was renamed is missed."""
    match value:
        case dict():
            inner = (_fields(each, f"{path}.{name}") for name, each in value.items())
            return {path}.union(*inner)
        case list():
            return {path}.union(*(_fields(each, f"{path}[]") for each in value))
        case _:
            return {path}


@pytest.mark.parametrize("message", MESSAGES, ids=lambda each: each.__name__)
def test_an_older_reader_ignores_what_a_newer_writer_adds(
    message: type[Message],
) -> None:
    sample = json.loads(sample_file(message).read_text())

    read = message.model_validate_json(json.dumps(_grown(sample)))

    assert set(json.loads(read.model_dump_json())) <= set(message.model_fields)


def _grown(value: Any) -> Any:
    """Add a field to every object, but for those that are mappings of any keys."""
    match value:
        case {"key": _}:
            return value
        case dict():
            inner = {name: _grown(each) for name, each in value.items()}
            return inner | {"of_a_later_version": 1}
        case list():
            return [_grown(each) for each in value]
        case _:
            return value


def test_messages_do_not_change_and_do_not_quote_what_they_refuse() -> None:
    for each in MESSAGES:
        assert each.model_config.get("frozen"), each
        assert each.model_config.get("hide_input_in_errors"), each


def test_a_secret_crosses_a_seal_and_is_masked_everywhere_else() -> None:
    letter = Letter(secret=SecretStr("sk-canary"))

    arrived = Letter.model_validate_json(letter.model_dump_json())

    assert arrived.secret.get_secret_value() == "sk-canary"
    for told in (repr(arrived), str(arrived), str(arrived.model_dump())):
        assert "sk-canary" not in told


@given(st.binary(max_size=200))
def test_bytes_come_back_as_they_were(raw: bytes) -> None:
    letter = Letter(secret=SecretStr(""), raw=raw)

    arrived = Letter.model_validate_json(letter.model_dump_json())

    assert arrived.raw == raw
    assert arrived.model_dump()["raw"] == raw


@pytest.mark.parametrize("text", ["A", "AA=", "AA==A", "A A=", "é", "AAA\n", "-_-_"])
def test_what_is_not_base64_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Letter.model_validate_json(json.dumps({"secret": "", "raw": text}))

    assert "base64" in str(caught.value) or "ASCII" in str(caught.value)


async def _changed(patch: AgentTypePatch) -> AgentTypePatch:
    """Send a change over a bus, and return it as it arrives."""
    arrived: list[AgentTypePatch] = []

    async def update(question: UpdateAgentType) -> AgentType:
        arrived.append(question.patch)
        sample = sample_file(AgentType).read_text()
        return AgentType.model_validate_json(sample)

    bus = FakeBus()
    bus.serve(answer(UPDATE_AGENT_TYPE, update))
    await bus.ask(
        UPDATE_AGENT_TYPE,
        UpdateAgentType(
            org_id=UUID(int=1),
            actor=Actor(kind="service", id="1"),
            agent_type_id=UUID(int=2),
            patch=patch,
        ),
    )
    return arrived[0]


async def test_a_change_sends_only_what_was_given() -> None:
    patch = AgentTypePatch(name="new", temperature=None)

    arrived = await _changed(patch)

    assert arrived.model_fields_set == {"name", "temperature"}
    assert arrived == patch
    assert json.loads(patch.model_dump_json()) == {"name": "new", "temperature": None}


async def test_a_change_of_nothing_stays_one() -> None:
    arrived = await _changed(AgentTypePatch())

    assert arrived.model_fields_set == set()


async def test_what_is_given_as_its_default_is_sent_too() -> None:
    arrived = await _changed(AgentTypePatch(labels={}, max_tokens=None))

    assert arrived.model_fields_set == {"labels", "max_tokens"}


@pytest.mark.parametrize("name", sorted(AgentTypePatch.model_fields))
def test_null_empties_what_may_be_empty_and_is_refused_elsewhere(name: str) -> None:
    body = json.dumps({name: None})

    if name in AgentTypePatch.clearable:
        assert AgentTypePatch.model_validate_json(body).model_fields_set == {name}
    else:
        with pytest.raises(ValidationError, match="must not be null"):
            AgentTypePatch.model_validate_json(body)


def test_every_patch_says_which_of_its_own_fields_may_be_emptied() -> None:
    for each in MESSAGES:
        clearable: frozenset[str] = getattr(each, "clearable", frozenset())
        assert clearable <= each.model_fields.keys(), each


def test_a_question_to_one_runner_names_it() -> None:
    drain = Endpoint(
        "agent_runner.v1.runner.{runner}.drain",
        Empty,
        Empty,
        askers=frozenset({Service.GATEWAY}),
    )

    assert drain.at("runner-1").subject == "agent_runner.v1.runner.runner-1.drain"
    assert agent_runner.PING.at("runner-1") == agent_runner.PING


def test_a_webhook_may_ask_for_every_public_event() -> None:
    assert {*EventName} == {f"{each.noun}.{each.participle}" for each in TOPICS}
