from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.reading.calls import Calls
from metrics.repositories.places import Place
from shared.contracts.base import Actor
from shared.contracts.metrics import AttemptRecord, CallQuestion, CallsQuestion
from shared.errors import CallNotFoundError, InvalidError
from shared.ids import new_id

from .fakes import FakeCalls, counted
from .records import AGENT, NOON, ORGANIZATION, call

ACTOR = Actor(kind="api_key", id="key-1")
ONE_MIB = 2**20


async def test_pages_follow_one_another_to_the_end() -> None:
    calls = [counted(call()) for _ in range(5)][::-1]
    calls_ = Calls(FakeCalls(calls))
    seen, cursor = [], None

    for _ in range(3):
        page = await calls_.list_calls(
            CallsQuestion(org_id=ORGANIZATION, actor=ACTOR, limit=2, cursor=cursor)
        )
        seen += page.data
        cursor = page.next_cursor

    assert seen == calls
    assert cursor is None


async def test_a_page_holds_as_many_calls_as_one_answer_can_carry() -> None:
    attempt = AttemptRecord(
        attempt_id=new_id(),
        provider_id=new_id(),
        model="gpt-5",
        started_at=NOON,
        duration_ms=1,
    )
    calls = [counted(call(attempts=[attempt] * 25)) for _ in range(200)][::-1]
    reading = Calls(FakeCalls(calls))
    question = CallsQuestion(org_id=ORGANIZATION, actor=ACTOR, limit=200)

    first = await reading.list_calls(question)
    rest = await reading.list_calls(
        question.model_copy(update={"cursor": first.next_cursor})
    )

    assert first.data + rest.data == calls
    assert len(first.model_dump_json()) < ONE_MIB


async def test_a_list_can_be_of_one_agent() -> None:
    mine, other = counted(call()), counted(call(agent_id=new_id()))

    page = await Calls(FakeCalls([other, mine])).list_calls(
        CallsQuestion(org_id=ORGANIZATION, actor=ACTOR, agent_id=AGENT)
    )

    assert page.data == [mine]


@pytest.mark.parametrize(
    "cursor",
    [
        "page-2",
        "",
        "1767268800000000",
        "1767268800000000.",
        "1767268800000000.01900000",
        ".01900000-0000-7000-8000-000000000001",
        "9" * 200 + ".01900000-0000-7000-8000-000000000001",
        "9" * 5000 + ".01900000-0000-7000-8000-000000000001",
    ],
)
async def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidError):
        await Calls(FakeCalls()).list_calls(
            CallsQuestion(org_id=ORGANIZATION, actor=ACTOR, cursor=cursor)
        )


@given(started_at=st.datetimes(timezones=st.just(UTC)), call_id=st.uuids(version=4))
def test_a_place_becomes_a_cursor_and_back(started_at: datetime, call_id: UUID) -> None:
    place = Place(started_at, call_id)

    assert Place.parse(str(place)) == place


async def test_a_call_is_found_by_its_id() -> None:
    wanted = counted(call())

    found = await Calls(FakeCalls([counted(call()), wanted])).get_call(
        CallQuestion(org_id=ORGANIZATION, actor=ACTOR, call_id=wanted.call_id)
    )

    assert found == wanted


async def test_a_call_of_another_organization_is_not_found() -> None:
    elsewhere = counted(call(org_id=new_id()))

    with pytest.raises(CallNotFoundError):
        await Calls(FakeCalls([elsewhere])).get_call(
            CallQuestion(org_id=ORGANIZATION, actor=ACTOR, call_id=elsewhere.call_id)
        )
